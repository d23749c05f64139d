//! A task on its way through a partition, and what it holds of the bounds.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{Offset, Record, TimerId, TimerVersion};
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use crate::wire::RawTask;

/// Where a task came from, and so what completes when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A record: its offset.
    Log(Offset),
    /// A timer, as it was when it was fired.
    Timer(TimerVersion),
}

impl Origin {
    /// The offset of the record that it all began with.
    pub(crate) fn offset(self) -> Offset {
        match self {
            Self::Log(offset) => offset,
            Self::Timer(timer) => timer.id.offset,
        }
    }
}

/// Names a key within a partition. Two keys of one hash wait for each other, which does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    pub(crate) fn of(key: &Bytes) -> Self {
        Self(xxh3_64(key))
    }
}

/// A map by key: what is hashed already is not hashed again.
pub(crate) type KeyMap<V> = HashMap<KeyHash, V, BuildHasherDefault<Hashed>>;

/// Hands on the one number that it is given.
#[derive(Debug, Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A task on its way.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) origin: Origin,
    pub(crate) task: Arc<RawTask>,
    pub(crate) key: Option<KeyHash>,
    /// What the attempt before said; empty on the first.
    pub(crate) reason: String,
    /// From when on its age counts.
    pub(crate) born: Timestamp,
    /// It is to run when its turn comes. Else what becomes of it is decided then: others of its key were before it.
    pub(crate) is_decided: bool,
    #[expect(dead_code, reason = "it is held for what happens when it goes")]
    pub(crate) charge: Charge,
}

impl Work {
    /// What cannot be read, and is buried.
    pub(crate) fn unread(origin: Origin, born: Timestamp, charge: Charge) -> Self {
        let (task, reason) = (Arc::default(), String::new());
        Self { origin, task, key: None, reason, born, is_decided: true, charge }
    }

    /// It is to run when its turn comes.
    pub(crate) fn decided(self) -> Self {
        Self { is_decided: true, ..self }
    }

    /// Under which id it waits: of a task that has waited before, under the same, whatever the try. Who cancels that while it runs
    /// has cancelled what would follow.
    pub(crate) fn timer_id(&self) -> TimerId {
        match self.origin {
            Origin::Timer(timer) => timer.id,
            Origin::Log(offset) => TimerId { offset, attempt: self.task.metadata.attempt() },
        }
    }
}

/// What is read and not completed, against its bounds. Who found it full is woken when it has gone down to three quarters.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    used: AtomicUsize,
    resume_at: AtomicUsize,
    paused: AtomicBool,
}

impl Gauge {
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether the bound is reached; if so, going down to three quarters of it will wake those who wait.
    pub(crate) fn is_full(&self, bound: usize) -> bool {
        if self.used() < bound {
            return false;
        }
        self.resume_at.store(bound / 4 * 3, Ordering::SeqCst);
        self.paused.store(true, Ordering::SeqCst);
        // It may have gone down between the look and the mark.
        self.used.load(Ordering::SeqCst) >= bound
    }

    /// Whether there is room to go on, after it was full.
    pub(crate) fn has_room(&self, bound: usize) -> bool {
        if self.used() <= bound / 4 * 3 {
            return true;
        }
        self.is_full(bound);
        false
    }

    fn add(&self, amount: usize) {
        self.used.fetch_add(amount, Ordering::SeqCst);
    }

    /// True: those who wait are to be woken.
    fn sub(&self, amount: usize) -> bool {
        let left = self.used.fetch_sub(amount, Ordering::SeqCst) - amount;
        self.paused.load(Ordering::Relaxed)
            && left <= self.resume_at.load(Ordering::SeqCst)
            && self.paused.swap(false, Ordering::SeqCst)
    }
}

/// The bound that the partitions of a subscription share, and the way to wake those who wait for room.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    pub(crate) bytes: Gauge,
    /// Bytes that reads may bring, for as long as they take: they make nothing full, but leave less room.
    reserved: AtomicUsize,
    pub(crate) room: Notify,
}

impl Budget {
    fn left(&self, bound: usize, reserved: usize) -> usize {
        bound.saturating_sub(self.bytes.used.load(Ordering::SeqCst) + reserved)
    }

    /// Reserves what there is below the bound, `most` at most; gives back how much that is.
    fn reserve(&self, bound: usize, most: usize) -> usize {
        let mut room = 0;
        let more = |reserved: usize| {
            room = most.min(self.left(bound, reserved));
            Some(reserved + room)
        };
        self.reserved.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).map_or(0, |_| room)
    }
}

/// Bytes that one read may bring, unless a single record has more.
const READ_BYTES: usize = 1 << 20;

/// Room for the bytes of records that are being read: how many they are is known when they are there, and others read meanwhile.
#[derive(Debug)]
pub(crate) struct Reserve {
    budget: Arc<Budget>,
    held: usize,
}

impl Reserve {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), held: 0 }
    }

    /// Holds what room there is, if none is held already; how much that is.
    pub(crate) fn hold(&mut self, bound: usize) -> usize {
        if self.held == 0 {
            self.held = self.budget.reserve(bound, READ_BYTES);
        }
        self.held
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held > 0
    }

    /// What was read is counted by itself, or nothing was. Whoever found no room beside this looks again.
    pub(crate) fn release(&mut self) {
        if self.held > 0 {
            self.budget.reserved.fetch_sub(std::mem::take(&mut self.held), Ordering::SeqCst);
            self.budget.room.notify_waiters();
        }
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.release();
    }
}

/// What the tasks of one partition hold of the bounds.
///
/// What is given back is gathered here and settled from time to time: the bounds are shared by all partitions, and would be
/// fought over by all cores, task by task.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Arc<Budget>,
    pub(crate) records: Gauge,
    freed_bytes: AtomicUsize,
    freed_records: AtomicUsize,
}

/// So many bytes given back are settled at once.
const SETTLE_BYTES: usize = 64 << 10;

impl Account {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        let (records, freed_bytes, freed_records) = Default::default();
        Self { budget: Arc::clone(budget), records, freed_bytes, freed_records }
    }

    /// What all partitions hold.
    pub(crate) fn bytes(&self) -> &Gauge {
        &self.budget.bytes
    }

    /// Whether reads that are on their way may bring all that there is room for.
    pub(crate) fn is_crowded(&self, bound: usize) -> bool {
        self.budget.left(bound, self.budget.reserved.load(Ordering::SeqCst)) == 0
    }

    fn give_back(&self, bytes: usize, records: usize) {
        self.freed_records.fetch_add(records, Ordering::Relaxed);
        if self.freed_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes >= SETTLE_BYTES {
            self.settle();
        }
    }

    /// Gives back to the bounds what has gathered; whoever waits for bytes is woken if that makes room.
    pub(crate) fn settle(&self) {
        if self.freed_records.load(Ordering::Relaxed) + self.freed_bytes.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.records.sub(self.freed_records.swap(0, Ordering::Relaxed));
        if self.budget.bytes.sub(self.freed_bytes.swap(0, Ordering::Relaxed)) {
            self.budget.room.notify_waiters();
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Settles an account for the last time that its partition can.
#[derive(Debug)]
pub(crate) struct Closing(pub(crate) Arc<Account>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.settle();
    }
}

/// What one task holds of the bounds, until it goes.
#[derive(Debug)]
pub(crate) struct Charge {
    account: Arc<Account>,
    bytes: usize,
    records: usize,
}

impl Charge {
    /// For a timer.
    pub(crate) fn timer(account: &Arc<Account>, size: usize) -> Self {
        let bytes = size + Record::OVERHEAD;
        account.budget.bytes.add(bytes);
        Self { account: Arc::clone(account), bytes, records: 0 }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.give_back(self.bytes, self.records);
    }
}

/// Records that were read, charged together; each takes its part along.
#[derive(Debug)]
pub(crate) struct Load {
    account: Arc<Account>,
    records: std::vec::IntoIter<Record>,
}

impl Load {
    pub(crate) fn new(account: &Arc<Account>, records: Vec<Record>) -> Self {
        account.records.add(records.len());
        account.budget.bytes.add(records.iter().map(Record::weight).sum());
        Self { account: Arc::clone(account), records: records.into_iter() }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

impl Iterator for Load {
    type Item = (Record, Charge);

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        let charge = Charge { account: Arc::clone(&self.account), bytes: record.weight(), records: 1 };
        Some((record, charge))
    }
}

impl Drop for Load {
    /// Nobody wants the rest.
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn load(account: &Arc<Account>, records: u64) -> Load {
        let record = |offset| Record {
            offset: Offset(offset),
            timestamp: Timestamp::from_millis(0),
            key: None,
            value: Some(Bytes::from_static(b"a task")),
            headers: Vec::new(),
        };
        Load::new(account, (0..records).map(record).collect())
    }

    #[test]
    fn who_found_it_full_is_woken_once_a_quarter_is_free() {
        let budget = Arc::new(Budget::default());
        let account = Arc::new(Account::new(&budget));
        let mut held: Vec<_> = load(&account, 8).collect();
        let (records, bytes) = (&account.records, &budget.bytes);
        let bound = bytes.used();
        let mut room = std::pin::pin!(budget.room.notified());
        assert!(records.is_full(8) && !records.is_full(9));
        assert!(bytes.is_full(bound) && !bytes.is_full(bound + 1));
        held.pop();
        account.settle();
        assert!(!records.has_room(8) && !bytes.has_room(bound) && room.as_mut().now_or_never().is_none());
        held.pop();
        account.settle();
        assert!(records.has_room(8) && bytes.has_room(bound) && room.as_mut().now_or_never().is_some());
        drop(held);
        account.settle();
        assert_eq!((records.used(), budget.bytes.used()), (0, 0));
    }

    #[test]
    fn what_was_read_and_never_taken_is_given_back_too() {
        let budget = Arc::new(Budget::default());
        let account = Arc::new(Account::new(&budget));
        let mut load = load(&account, 8);
        let first = load.next();
        drop(load);
        account.settle();
        assert_eq!(account.records.used(), 1);
        let timer = Charge::timer(&account, 100);
        drop((first, account, timer));
        assert_eq!(budget.bytes.used(), 0);
    }
}
