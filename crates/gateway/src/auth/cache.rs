//! Rows of devices that were read a moment ago.

use std::hash::{BuildHasher as _, RandomState};
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

/// Changes are counted in so many places, a row's by its key: enough that others' changes hardly ever hit the same.
const STRIPES: usize = 4_096;

/// A bounded cache of rows, shared by the workers of a node.
#[derive(Clone)]
pub struct DeviceCache(Arc<Kept>);

struct Kept {
    rows: Cache<Key, Row>,
    /// How often rows have changed. One that was read before a change is not believed after it.
    changes: Box<[AtomicU64]>,
    hasher: RandomState,
}

#[derive(Clone)]
struct Row {
    row: Arc<DeviceRow>,
    read: Reading,
}

/// From before a row is read; see [`DeviceCache::reading`].
#[derive(Clone, Copy)]
pub(super) struct Reading {
    since: Duration,
    changes: u64,
}

impl DeviceCache {
    /// A cache of at most this many rows.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        let changes = std::iter::repeat_with(AtomicU64::default).take(STRIPES).collect();
        Self(Arc::new(Kept { rows: Cache::new(rows), changes, hasher: RandomState::new() }))
    }

    /// The row, if it was read not too long before `now`, a monotonic time, and has not changed since.
    pub(super) fn get(&self, key: Key, now: Duration) -> Option<Arc<DeviceRow>> {
        let Row { row, read } = self.0.rows.get(&key)?;
        let is_good = now.saturating_sub(read.since) < BELIEVED && read.changes == self.0.changes(key);
        is_good.then_some(row)
    }

    /// To be called before a row is read that is to be put here, at a monotonic time.
    pub(super) fn reading(&self, key: Key, now: Duration) -> Reading {
        Reading { since: now, changes: self.0.changes(key) }
    }

    /// Keeps a row. It is not believed if it has changed since it was about to be read.
    pub(super) fn put(&self, key: Key, row: Arc<DeviceRow>, read: Reading) {
        self.0.rows.insert(key, Row { row, read });
    }
}

impl Kept {
    fn place(&self, key: Key) -> Option<&AtomicU64> {
        let hash = usize::try_from(self.hasher.hash_one(key) % STRIPES as u64);
        self.changes.get(hash.unwrap_or_default())
    }

    fn changes(&self, key: Key) -> u64 {
        self.place(key).map_or(0, |place| place.load(Ordering::SeqCst))
    }
}

impl DeviceWatch for DeviceCache {
    fn changed(&self, account: AccountId, device: DeviceId) {
        let key = (account, device);
        if let Some(place) = self.0.place(key) {
            place.fetch_add(1, Ordering::SeqCst);
        }
        self.0.rows.remove(&key);
    }
}
