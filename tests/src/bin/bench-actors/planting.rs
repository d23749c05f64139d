//! A store full of accounts that were never registered: their rows are written straight into it.

use std::path::Path;
use std::sync::Arc;

use denrei_model::clock::{Clock as _, SystemClock};
use denrei_model::id::{AccountId, ChatId, DeviceId, LogId};
use denrei_model::operation::{ChatKind, Contact, Membership, Profile, Relation};
use denrei_model::position::{Place, Revision};
use denrei_model::row::{
    AccountChatKey, AccountChatRow, AccountKey, AccountRow, Change, ContactKey, DeviceKey, DeviceRow,
    HeadKey, HeadRow,
};
use denrei_model::shard::ShardMap;
use denrei_model::tag::Tag;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::{Batch, CommitListener, EnqueueError, Lost, ShardStore as _};

pub(crate) const SHARDS: ShardMap = ShardMap::new(256, 0);
const CONTACTS: usize = 20;
const CHATS: usize = 10;
const DEVICES: usize = 2;
/// While the store's queue is full.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(1);

/// The account with this number.
pub(crate) fn account(number: usize) -> AccountId {
    AccountId::derived("bench", &[&number.to_be_bytes()])
}

/// The device of an account with this number.
pub(crate) fn device(number: usize) -> DeviceId {
    DeviceId::derived("bench", &[&number.to_be_bytes()])
}

/// Nobody waits for these commits: closing the store does.
struct Deaf;

impl CommitListener for Deaf {
    fn committed(&self, _: Place) {}

    fn lost(&self, _: Lost) {}
}

/// Writes all rows of so many accounts, one commit an account.
pub(crate) fn plant(dir: &Path, accounts: usize) -> anyhow::Result<()> {
    let store = EmbeddedStore::open(&EmbeddedOptions::at(dir), SHARDS.len(), SHARDS.seed())?;
    let mut epochs = Vec::new();
    actix_rt::System::new().block_on(async {
        for shard in SHARDS.all() {
            epochs.push(store.claim(shard, Arc::new(Deaf)).await?.epoch);
        }
        anyhow::Ok(())
    })?;
    for number in 0..accounts {
        let shard = SHARDS.of_account(account(number));
        let batch = Batch { changes: rows(number, accounts), ..Batch::default() };
        let Some(&epoch) = epochs.get(shard.index()) else { continue };
        while let Err(refused) = store.enqueue(shard, epoch, &batch) {
            anyhow::ensure!(refused == EnqueueError::Full, "{refused}");
            std::thread::sleep(PAUSE);
        }
    }
    store.close();
    Ok(())
}

fn rows(number: usize, accounts: usize) -> Vec<Change> {
    let (own, now) = (account(number), SystemClock::new().now());
    let log_id = LogId::derived("log", &[own.as_bytes()]);
    let (revision, first) = (Revision::ZERO, Revision::ZERO);
    let profile = |number: usize| Profile { name: format!("person {number}"), ..Profile::default() };
    let row = AccountRow {
        created_at: now.as_millis(),
        profile: profile(number),
        followers: CONTACTS as u32,
        devices: DEVICES as u32,
        ..AccountRow::default()
    };
    let head = HeadRow { log_id, revision, tag: Tag::genesis(log_id), first };
    let mut rows =
        vec![Change::put(AccountKey { account: own }, row), Change::put(HeadKey { account: own }, head)];
    rows.extend((0..DEVICES).map(|number| {
        let row = DeviceRow {
            name: "phone".to_owned(),
            platform: "ios".to_owned(),
            used: true,
            seen_day: now.day().number(),
            ..DeviceRow::default()
        };
        Change::put(DeviceKey { account: own, device: device(number) }, row)
    }));
    let friends = (1..=CONTACTS).map(|step| (number + step) % accounts);
    rows.extend(friends.clone().map(|friend| {
        let (account, relation) = (account(friend), Relation::Added);
        let contact = Contact { account, relation, profile: profile(friend), ..Contact::default() };
        Change::put(ContactKey { account: own, other: account }, contact)
    }));
    rows.extend(friends.take(CHATS).map(|friend| {
        let peer = account(friend);
        let (kind, membership) = (ChatKind::Direct, Membership::Joined);
        let row = AccountChatRow { kind, membership, peer: Some(peer), ..AccountChatRow::default() };
        Change::put(AccountChatKey { account: own, chat: ChatId::direct(own, peer) }, row)
    }));
    rows
}
