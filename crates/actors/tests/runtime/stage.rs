//! A node in a box: the runtime on a memory store, with time that moves when it is told to, and streams that note all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use denrei_actors::account::device::NewDevice;
use denrei_actors::account::device::register::Register;
use denrei_actors::runtime::Foundation;
use denrei_actors::session::{Delivery, PushSink, Session, SessionRefused, Signal, StreamId};
use denrei_actors::shard::ShardOptions;
use denrei_actors::{Handle, Origin, Runtime, RuntimeOptions};
use denrei_model::clock::{ManualClock, Timestamp};
use denrei_model::id::{AccountId, DeviceId, LogId};
use denrei_model::position::Revision;
use denrei_model::row::{Key, KeyRange, OpKey, OpRow, Row, TableKey};
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::memory::{MemoryOptions, MemoryStore};
use denrei_storage::shard::{Fetch, Reader as _, Scan};

/// What was pushed: JSON of operations by account, log and revision.
pub(crate) type Pushed = BTreeMap<(LogId, Revision), serde_json::Value>;

/// A sink that has room, or not, and notes everything.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) full: Mutex<bool>,
    pub(crate) deliveries: Mutex<Vec<Delivery>>,
    pub(crate) signals: Mutex<Vec<(StreamId, Signal)>>,
}

impl PushSink for Notes {
    fn deliver(&self, deliveries: Vec<Delivery>) -> Result<(), Vec<Delivery>> {
        if *self.full.lock().unwrap() {
            return Err(deliveries);
        }
        self.deliveries.lock().unwrap().extend(deliveries);
        Ok(())
    }

    fn signal(&self, stream: StreamId, signal: Signal) -> bool {
        if *self.full.lock().unwrap() {
            return false;
        }
        self.signals.lock().unwrap().push((stream, signal));
        true
    }
}

/// How a stage is set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) shards: u16,
    pub(crate) early_apply: bool,
    pub(crate) queue: usize,
    pub(crate) options: ShardOptions,
}

impl Default for Setting {
    fn default() -> Self {
        Self { shards: 4, early_apply: true, queue: 4_096, options: ShardOptions::default() }
    }
}

pub(crate) struct Stage {
    pub(crate) setting: Setting,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) runtime: Runtime,
    pub(crate) handle: Handle,
    pub(crate) notes: Arc<Notes>,
    streams: u64,
}

/// 2026-11-24T12:00:00Z.
const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);

async fn start(setting: &Setting, store: &MemoryStore, clock: &Arc<ManualClock>) -> Runtime {
    let foundation = Foundation {
        shards: ShardMap::new(setting.shards, 7),
        store: Arc::new(store.clone()),
        reader: Arc::new(store.clone()),
        inboxes: Arc::new(store.clone()),
        clock: Arc::<ManualClock>::clone(clock),
        incarnation: [1; 16],
    };
    let options = RuntimeOptions { arbiters: 0, shard: setting.options.clone() };
    Runtime::start(options, foundation).await.unwrap()
}

pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 16])
}

pub(crate) fn origin(number: u8, key: Option<&str>) -> Origin {
    Origin {
        key: key.map(|key| key.parse().unwrap()),
        payload: 1,
        ..Origin::unkeyed(account(number), device(number))
    }
}

impl Stage {
    pub(crate) async fn new(setting: Setting) -> Self {
        // Timers of the runtime fire when everything else has come to rest, not when a second has passed.
        tokio::time::pause();
        let store = MemoryStore::new(MemoryOptions {
            shards: setting.shards,
            early_apply: setting.early_apply,
            queue: setting.queue,
        });
        Self::on(setting, store).await
    }

    pub(crate) async fn on(setting: Setting, store: MemoryStore) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let runtime = start(&setting, &store, &clock).await;
        let handle = runtime.handle();
        Self { setting, store, clock, runtime, handle, notes: Arc::default(), streams: 0 }
    }

    /// A stage with this many people, numbered from 1, each with a device.
    pub(crate) async fn with_people(setting: Setting, people: u8) -> Self {
        let stage = Self::new(setting).await;
        for number in 1..=people {
            stage.register(number).await;
        }
        stage
    }

    pub(crate) async fn register(&self, number: u8) {
        let device = NewDevice {
            device: device(number),
            name: "phone".to_owned(),
            platform: "ios".to_owned(),
            family: [number; 16],
            access_for: Duration::from_secs(3_600),
        };
        let register = Register { account: account(number), name: format!("person {number}"), device };
        self.handle.ask(register, origin(number, None)).await.unwrap();
    }

    /// Opens a stream of a person's device.
    pub(crate) async fn listen(&mut self, number: u8) -> StreamId {
        // Within the narrowest bounds a shard may have no room at the moment; whoever has a stream comes back, too.
        for _ in 0..100 {
            match self.sign_on(number).await {
                Err(SessionRefused::Overloaded) => tokio::task::yield_now().await,
                other => return other.unwrap(),
            }
        }
        panic!("shards stay overloaded");
    }

    /// The same, once.
    pub(crate) async fn sign_on(&mut self, number: u8) -> Result<StreamId, SessionRefused> {
        self.streams += 1;
        let stream = StreamId(self.streams);
        let session = Session {
            account: account(number),
            device: device(number),
            number: 0,
            stream,
            sink: Arc::<Notes>::clone(&self.notes),
        };
        self.handle.register(session).await.map(|()| stream)
    }

    /// The process dies; the next one finds the first `durable` of the waiting batches.
    pub(crate) async fn crash(&mut self, durable: usize) {
        let store = self.store.crash(durable);
        self.restart(store).await;
    }

    pub(crate) async fn restart(&mut self, store: MemoryStore) {
        self.store = store;
        let runtime = start(&self.setting, &self.store, &self.clock).await;
        self.handle = runtime.handle();
        std::mem::replace(&mut self.runtime, runtime).stop();
    }

    /// Lets everything happen that can.
    pub(crate) async fn rest(&self, millis: u64) {
        for _ in 0..millis.div_ceil(50) {
            self.clock.advance(Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        denrei_model::clock::Clock::now(&*self.clock)
    }

    pub(crate) fn shard(&self, number: u8) -> Shard {
        self.handle.shards().of_account(account(number))
    }

    pub(crate) async fn rows<K: TableKey>(&self, from: K, to: K) -> Vec<(Key, K::Row)> {
        let scan = Scan::forward(KeyRange::new(from, to), usize::MAX);
        let fetched = self.store.fetch(Fetch { keys: Vec::new(), scans: vec![scan] }).await.unwrap();
        fetched.scan::<K>(0).map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    pub(crate) async fn row<K: TableKey>(&self, key: K) -> Option<K::Row> {
        let fetched = self.store.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await.unwrap();
        fetched.row::<K>(0).cloned()
    }

    /// A person's stored log.
    pub(crate) async fn log(&self, number: u8) -> Vec<OpRow> {
        let key = |revision| OpKey { account: account(number), revision };
        let rows = self.rows(key(Revision::ZERO), key(Revision::MAX)).await;
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// What was pushed so far, a frame at a time.
    pub(crate) fn pushed(&self) -> Pushed {
        let mut pushed = Pushed::new();
        for delivery in self.notes.deliveries.lock().unwrap().iter() {
            let frame: serde_json::Value = serde_json::from_slice(&delivery.frame).unwrap();
            for operation in frame["operations"].as_array().unwrap() {
                let revision = Revision::new(operation["revision"].as_u64().unwrap());
                let before = pushed.insert((delivery.log_id, revision), operation.clone());
                assert!(before.is_none_or(|before| before == *operation), "two payloads at {revision}");
            }
        }
        pushed
    }

    pub(crate) fn signals(&self) -> Vec<(StreamId, Signal)> {
        self.notes.signals.lock().unwrap().clone()
    }

    /// Rows put into the store as if an earlier owner had written them. Only before the runtime starts.
    pub(crate) async fn planted(setting: Setting, people: u8, rows: Vec<(Key, Row)>) -> Self {
        let mut stage = Self::with_people(setting, people).await;
        let store = stage.store.crash(0);
        let shards = stage.handle.shards();
        for (key, row) in rows {
            plant(&store, shards, key, row).await;
        }
        stage.restart(store).await;
        stage
    }
}

struct Deaf;

impl denrei_storage::shard::CommitListener for Deaf {
    fn committed(&self, _: denrei_model::position::Place) {}

    fn lost(&self, _: denrei_storage::shard::Lost) {}
}

async fn plant(store: &MemoryStore, shards: ShardMap, key: Key, row: Row) {
    use denrei_model::row::Change;
    use denrei_storage::shard::{Batch, ShardStore as _};
    let shard = match &key {
        Key::AccountChat(key) => shards.of_account(key.account),
        Key::Account(key) => shards.of_account(key.account),
        other => panic!("nobody plants {other:?}"),
    };
    let claim = store.claim(shard, Arc::new(Deaf)).await.unwrap();
    let batch = Batch { changes: vec![Change::Put(key, Arc::new(row))], ..Batch::default() };
    store.enqueue(shard, claim.epoch, &batch).unwrap();
}
