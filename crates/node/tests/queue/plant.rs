//! What earlier days have left: rows in the store, records on the log; and what is there after a node has run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::clock::{Clock as _, SystemClock, Timestamp};
use denrei_model::id::{AccountId, LogId};
use denrei_model::operation::StoredOperation;
use denrei_model::position::{Place, Revision};
use denrei_model::row::{AnswerKey, AnswerRow, Change, HeadKey, HeadRow, Key, KeyRange, OpKey, OpRow};
use denrei_model::shard::{Shard, ShardMap};
use denrei_model::tag::Tag;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::log::{self, LocalLog, Log as _, NewRecord, TopicConfig, TopicName};
use denrei_storage::shard::{Batch, CommitListener, Fetch, Lost, Reader as _, Scan, ShardStore as _};
use prost::Message as _;
use tokio::sync::watch;

pub(crate) const SHARDS: u16 = 8;
/// The seed that the node pins in its store.
const SEED: u64 = 0x6465_6e72_6569;
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) const PERSON: AccountId = AccountId::from_bytes([7; 16]);

pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}

/// This long ago.
pub(crate) fn ago(time: Duration) -> Timestamp {
    Timestamp::default().plus(now().since(Timestamp::default().plus(time)))
}

fn open(data: &Path) -> EmbeddedStore {
    std::fs::create_dir_all(data).unwrap();
    // A node does not take a store without the key of its tokens.
    std::fs::write(data.join("secret.key"), "5".repeat(64)).unwrap();
    let options = EmbeddedOptions { free_disk_bytes: 0, ..EmbeddedOptions::at(data) };
    EmbeddedStore::open(&options, SHARDS, SEED).unwrap()
}

struct Ear(watch::Sender<Place>);

impl CommitListener for Ear {
    fn committed(&self, up_to: Place) {
        self.0.send_replace(up_to);
    }

    fn lost(&self, _: Lost) {}
}

async fn write(store: &EmbeddedStore, shard: Shard, changes: Vec<Change>) {
    let ear = Arc::new(Ear(watch::Sender::new(Place::ZERO)));
    let mut heard = ear.0.subscribe();
    let claim = store.claim(shard, ear).await.unwrap();
    let ticket = store.enqueue(shard, claim.epoch, &Batch { changes, ..Batch::default() }).unwrap();
    heard.wait_for(|place| *place >= ticket.place).await.unwrap();
}

/// Answers on every shard, so many of each of these days.
pub(crate) async fn answers(data: &Path, days: &[u32], count: u16) {
    let store = open(data);
    for shard in (0..SHARDS).map(Shard::new) {
        let of_day = |day: u32| {
            (0..count).map(move |number| {
                let mut digest = [0; 16];
                digest[..2].copy_from_slice(&number.to_be_bytes());
                let row = AnswerRow { payload: 1, answer: Bytes::from_static(b"answer") };
                Change::put(AnswerKey { shard, day, digest }, row)
            })
        };
        write(&store, shard, days.iter().copied().flat_map(of_day).collect()).await;
    }
    store.close();
}

/// The days of the answers that are left, each with how many there are on all shards.
pub(crate) async fn days_of_answers(data: &Path) -> Vec<(u32, usize)> {
    let store = open(data);
    let key = |shard| AnswerKey { shard: Shard::new(shard), day: 0, digest: [0; 16] };
    let scan = Scan::forward(KeyRange::new(key(0), key(SHARDS)), usize::MAX);
    let fetched = store.fetch(Fetch { keys: Vec::new(), scans: vec![scan] }).await.unwrap();
    let mut days = std::collections::BTreeMap::new();
    for (key, _) in fetched.scan::<AnswerKey>(0) {
        let Key::Answer(key) = key else { unreachable!() };
        *days.entry(key.day).or_default() += 1;
    }
    store.close();
    days.into_iter().collect()
}

/// A person whose operations were made at these times, and as many others whose log is young.
pub(crate) async fn log(data: &Path, made: &[Timestamp]) {
    let store = open(data);
    let mut head = HeadRow { log_id: LogId::from_bytes([1; 16]), ..HeadRow::default() };
    head.tag = Tag::genesis(head.log_id);
    let mut changes = Vec::new();
    for at in made {
        let revision = head.revision.next();
        let stored = StoredOperation { revision, created_at: at.as_millis(), payload: None };
        let (stored, tag) = stored.seal(head.tag);
        (head.revision, head.tag) = (revision, tag);
        changes.push(Change::put(OpKey { account: PERSON, revision }, OpRow { tag, stored }));
    }
    changes.push(Change::put(HeadKey { account: PERSON }, head));
    write(&store, ShardMap::new(SHARDS, SEED).of_account(PERSON), changes).await;
    store.close();
}

/// Where the person's log begins and ends, and the revisions that are there.
pub(crate) async fn revisions(data: &Path) -> (u64, u64, Vec<u64>) {
    let store = open(data);
    let key = |revision| OpKey { account: PERSON, revision };
    let scan = Scan::forward(KeyRange::new(key(Revision::ZERO), key(Revision::MAX)), usize::MAX);
    let fetch = Fetch { keys: vec![HeadKey { account: PERSON }.into()], scans: vec![scan] };
    let fetched = store.fetch(fetch).await.unwrap();
    let head = fetched.row::<HeadKey>(0).unwrap();
    let stored =
        fetched.scan::<OpKey>(0).map(|(_, row)| StoredOperation::decode(row.stored.clone()).unwrap());
    let revisions = (head.first.get(), head.revision.get(), stored.map(|op| op.revision.get()).collect());
    store.close();
    revisions
}

/// A record on the topic of retention that is no task of it.
pub(crate) async fn nonsense(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    let clock = Arc::new(SystemClock::new());
    let log = LocalLog::embedded(&data.join("log"), clock, &log::EmbeddedOptions::default()).unwrap();
    let topic = TopicName::from("denrei.retention");
    log.admin().create_topic(&topic, TopicConfig::new(1)).await.unwrap();
    log.producer().send(NewRecord::new(topic, "sweep the floor").key("broom")).await.unwrap();
}
