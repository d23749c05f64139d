//! What the promises are tried on.

use std::sync::Arc;

use denrei_model::id::AccountId;
use denrei_model::position::{Place, RecordNumber};
use denrei_model::row::{Change, NameKey, NameRow};
use denrei_model::shard::Shard;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::shard::{
    Applied, Batch, Claim, CommitListener, Emitted, Fetch, InboxStore, Lost, Reader, ShardStore, Ticket,
};

/// A backend, whole.
pub trait Store: ShardStore + Reader + InboxStore {}

impl<T: ShardStore + Reader + InboxStore> Store for T {}

type Reopen<S> = Box<dyn FnMut(Option<S>) -> S + Send>;

/// A store of at least 8 shards that can be lost and found again.
pub struct Subject<S> {
    store: Option<S>,
    reopen: Reopen<S>,
}

impl<S: Store> Subject<S> {
    /// `open` makes an empty store when it gets none, and otherwise finds again what was durable of the one it gets.
    pub fn new(mut open: impl FnMut(Option<S>) -> S + Send + 'static) -> Self {
        let store = Some(open(None));
        Self { store, reopen: Box::new(open) }
    }

    /// The store.
    pub fn store(&self) -> &S {
        self.store.as_ref().unwrap()
    }

    /// The store's process ends, and the next one finds this.
    pub fn reopen(&mut self) {
        let store = self.store.take();
        self.store = Some((self.reopen)(store));
    }

    /// Claims a shard with a fresh ear.
    pub async fn claim(&self, shard: u16) -> (Claim, Arc<Ear>) {
        let ear = Arc::new(Ear::default());
        let listener = Arc::clone(&ear);
        (self.store().claim(Shard::new(shard), listener).await.unwrap(), ear)
    }

    /// Queues a batch that must be taken.
    pub fn enqueue(&self, claim: &Claim, batch: &Batch) -> Ticket {
        self.store().enqueue(claim.shard, claim.epoch, batch).unwrap()
    }

    /// Queues a batch and waits until it is announced.
    pub async fn commit(&self, claim: &Claim, ear: &Ear, batch: &Batch) {
        let ticket = self.enqueue(claim, batch);
        ear.wait(ticket.place).await;
    }

    /// The number under this name, if there is any.
    pub async fn number(&self, name: &str) -> Option<u64> {
        let fetch = Fetch { keys: vec![key(name).into()], scans: vec![] };
        self.store().fetch(fetch).await.unwrap().row::<NameKey>(0).map(|row| row.until)
    }
}

/// What a listener heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Durable up to here.
    Committed(Place),
    /// The claim is lost.
    Lost(Lost),
}

/// A listener that remembers.
#[derive(Debug)]
pub struct Ear {
    heard: Mutex<Vec<Heard>>,
    place: watch::Sender<Place>,
}

impl Default for Ear {
    fn default() -> Self {
        Self { heard: Mutex::default(), place: watch::Sender::new(Place::ZERO) }
    }
}

impl Ear {
    /// Everything so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().clone()
    }

    /// Waits until this place is announced.
    pub async fn wait(&self, place: Place) {
        let mut places = self.place.subscribe();
        places.wait_for(|up_to| *up_to >= place).await.unwrap();
    }
}

impl CommitListener for Ear {
    fn committed(&self, up_to: Place) {
        self.heard.lock().push(Heard::Committed(up_to));
        self.place.send_replace(up_to);
    }

    fn lost(&self, why: Lost) {
        self.heard.lock().push(Heard::Lost(why));
    }
}

/// The key of a number that a promise keeps.
pub(super) fn key(name: &str) -> NameKey {
    NameKey { name: name.to_owned() }
}

/// Keeps a number under a name.
pub fn put(name: &str, number: u64) -> Change {
    Change::put(key(name), NameRow { account: AccountId::default(), until: number, device: None })
}

/// A batch of changes.
pub fn changes(changes: Vec<Change>) -> Batch {
    Batch { changes, ..Batch::default() }
}

/// A batch that emits records with these numbers.
pub(super) fn emits(to: u16, numbers: impl IntoIterator<Item = u64>) -> Batch {
    let emitted = numbers.into_iter().map(|number| Emitted {
        to: Shard::new(to),
        number: RecordNumber::new(number),
        record: format!("record {number}").into(),
    });
    Batch { emitted: emitted.collect(), ..Batch::default() }
}

/// A batch that has applied records with these numbers.
pub(super) fn applies(from: u16, numbers: impl IntoIterator<Item = u64>) -> Batch {
    let applied = numbers
        .into_iter()
        .map(|number| Applied { from: Shard::new(from), number: RecordNumber::new(number) });
    Batch { applied: applied.collect(), ..Batch::default() }
}
