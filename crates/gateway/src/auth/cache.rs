//! Rows of devices that were read a moment ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use denrei_actors::session::DeviceWatch;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::DeviceRow;
use quick_cache::sync::Cache;

/// How long a row is believed. Its shard is of this node and tells of every change, so that this bounds only what a fault
/// may do.
pub(super) const BELIEVED: Duration = Duration::from_secs(600);

/// A device of an account.
type Key = (AccountId, DeviceId);

/// A bounded cache of rows, shared by the workers of a node.
#[derive(Clone)]
pub struct DeviceCache(Arc<Kept>);

struct Kept {
    rows: Cache<Key, (Arc<DeviceRow>, Duration)>,
    /// How often a row has changed: one that was read before a change may be older than that.
    changes: AtomicU64,
}

/// From before a row is read; see [`DeviceCache::reading`].
pub(super) struct Reading {
    since: Duration,
    changes: u64,
}

impl DeviceCache {
    /// A cache of at most this many rows.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self(Arc::new(Kept { rows: Cache::new(rows), changes: AtomicU64::new(0) }))
    }

    /// The row, if it was read not too long before `now`, a monotonic time.
    pub(super) fn get(&self, key: Key, now: Duration) -> Option<Arc<DeviceRow>> {
        let (row, read) = self.0.rows.get(&key)?;
        (now.saturating_sub(read) < BELIEVED).then_some(row)
    }

    /// To be called before a row is read that is to be put here, at a monotonic time.
    pub(super) fn reading(&self, now: Duration) -> Reading {
        Reading { since: now, changes: self.0.changes.load(Ordering::SeqCst) }
    }

    /// Keeps a row, unless one has changed since it was about to be read.
    pub(super) fn put(&self, key: Key, row: Arc<DeviceRow>, reading: &Reading) {
        self.0.rows.insert(key, (row, reading.since));
        // Looked at after the row is in: a change counts first and removes then, so that one of the two sees the other.
        if self.0.changes.load(Ordering::SeqCst) != reading.changes {
            self.0.rows.remove(&key);
        }
    }
}

impl DeviceWatch for DeviceCache {
    fn changed(&self, account: AccountId, device: DeviceId) {
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        self.0.rows.remove(&(account, device));
    }
}
