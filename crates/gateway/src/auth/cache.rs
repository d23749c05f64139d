//! Rows of devices that were read a moment ago.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::DeviceRow;
use quick_cache::sync::Cache;

/// How long a row is believed: as long may a device go on that was revoked elsewhere.
pub(super) const BELIEVED: Duration = Duration::from_secs(2);

/// A device of an account.
type Key = (AccountId, DeviceId);

/// A bounded cache of rows, shared by the workers of a node.
#[derive(Clone)]
pub struct DeviceCache(Arc<Cache<Key, (Arc<DeviceRow>, Duration)>>);

impl DeviceCache {
    /// A cache of at most this many rows.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self(Arc::new(Cache::new(rows)))
    }

    /// The row, if it was read less than two seconds before `now`, a monotonic time.
    pub(super) fn get(&self, key: Key, now: Duration) -> Option<Arc<DeviceRow>> {
        let (row, read) = self.0.get(&key)?;
        (now.saturating_sub(read) < BELIEVED).then_some(row)
    }

    pub(super) fn put(&self, key: Key, row: Arc<DeviceRow>, read: Duration) {
        self.0.insert(key, (row, read));
    }

    /// The device's tokens have changed.
    pub fn forget(&self, key: (AccountId, DeviceId)) {
        self.0.remove(&key);
    }
}
