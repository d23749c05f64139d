//! A task on its way through a partition, and what it holds of the bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use denrei_storage::log::{Offset, TimerId};
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use crate::wire::RawTask;

/// Where a task came from, and so what completes when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A record: its offset.
    Log(Offset),
    /// A timer: its row.
    Timer(TimerId),
}

impl Origin {
    /// The offset of the record that it all began with.
    pub(crate) fn offset(self) -> Offset {
        match self {
            Self::Log(offset) => offset,
            Self::Timer(id) => id.offset,
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

/// A task on its way.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) origin: Origin,
    pub(crate) task: Arc<RawTask>,
    pub(crate) key: Option<KeyHash>,
    /// What the attempt before said; empty on the first.
    pub(crate) reason: String,
    #[expect(dead_code, reason = "it is held for what happens when it goes")]
    pub(crate) charge: Charge,
}

/// What is read and not completed, against its bounds. Whoever is paused is woken when it has gone down to three quarters.
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

    /// Whether the bound is reached; if so, going down to three quarters of it will wake the reader.
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

    /// True: the reader is to be woken.
    fn sub(&self, amount: usize) -> bool {
        let left = self.used.fetch_sub(amount, Ordering::SeqCst) - amount;
        self.paused.load(Ordering::Relaxed)
            && left <= self.resume_at.load(Ordering::SeqCst)
            && self.paused.swap(false, Ordering::SeqCst)
    }
}

/// The bounds that the partitions of a subscription share, and the way to wake its reader.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    pub(crate) bytes: Gauge,
    pub(crate) wake: Notify,
}

/// What one task holds of the bounds, until it goes.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    records: Option<Arc<Gauge>>,
    bytes: usize,
}

/// What a task weighs beside its bytes.
const OVERHEAD: usize = 256;

impl Charge {
    /// For a record that counts towards the partition's `records`, or for a timer.
    pub(crate) fn new(budget: &Arc<Budget>, records: Option<&Arc<Gauge>>, size: usize) -> Self {
        let bytes = size + OVERHEAD;
        budget.bytes.add(bytes);
        if let Some(records) = records {
            records.add(1);
        }
        Self { budget: Arc::clone(budget), records: records.map(Arc::clone), bytes }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let bytes = self.budget.bytes.sub(self.bytes);
        let records = self.records.as_ref().is_some_and(|records| records.sub(1));
        if bytes || records {
            self.budget.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_is_paused_is_woken_once_there_is_room() {
        let (budget, records) = (Arc::new(Budget::default()), Arc::new(Gauge::default()));
        let mut held: Vec<Charge> = (0..8).map(|_| Charge::new(&budget, Some(&records), 10)).collect();
        assert!(records.is_full(8) && !records.is_full(9));
        assert!(records.is_full(8));
        held.pop();
        assert!(!records.has_room(8));
        held.pop();
        assert!(records.has_room(8));
        drop(held);
        assert_eq!((records.used(), budget.bytes.used()), (0, 0));
    }
}
