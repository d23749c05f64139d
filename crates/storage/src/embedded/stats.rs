//! What the committer has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of [`StoreStats::latency`], in microseconds; the last bucket has none.
pub const LATENCY_BOUNDS_MICROS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// Commits of the engine that take longer are counted as stalls: it sleeps when compaction falls behind.
const STALL: Duration = Duration::from_millis(50);

/// A reading of the counters. All but the last three only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Commits of the engine.
    pub groups: u64,
    /// Batches of shards in them.
    pub batches: u64,
    /// Rows written or removed, links and numbers included.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Commits of the engine by how long they took; bounds in [`LATENCY_BOUNDS_MICROS`].
    pub latency: [u64; LATENCY_BOUNDS_MICROS.len() + 1],
    /// Microseconds spent in commits of the engine.
    pub commit_micros: u64,
    /// Commits that took longer than 50 ms.
    pub stalls: u64,
    /// Batches refused because the queue was full.
    pub refused_full: u64,
    /// Batches refused because the disk was.
    pub refused_disk: u64,
    /// Batches that wait now.
    pub queued: u64,
    /// Journals of the engine now.
    pub journals: u64,
    /// Bytes in memtables of the engine now.
    pub memtable_bytes: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    groups: AtomicU64,
    batches: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    latency: [AtomicU64; LATENCY_BOUNDS_MICROS.len() + 1],
    commit_micros: AtomicU64,
    stalls: AtomicU64,
    pub(super) refused_full: AtomicU64,
    pub(super) refused_disk: AtomicU64,
}

/// One group, for the counters.
pub(super) struct Committed {
    pub(super) batches: usize,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) took: Duration,
}

impl Counters {
    pub(super) fn committed(&self, group: &Committed) {
        let micros = u64::try_from(group.took.as_micros()).unwrap_or(u64::MAX);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.batches.fetch_add(group.batches as u64, Ordering::Relaxed);
        self.rows.fetch_add(group.rows, Ordering::Relaxed);
        self.bytes.fetch_add(group.bytes, Ordering::Relaxed);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
        let bucket = LATENCY_BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.latency.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        if group.took > STALL {
            self.stalls.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> StoreStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            groups: get(&self.groups),
            batches: get(&self.batches),
            rows: get(&self.rows),
            bytes: get(&self.bytes),
            latency: std::array::from_fn(|bucket| self.latency.get(bucket).map_or(0, get)),
            commit_micros: get(&self.commit_micros),
            stalls: get(&self.stalls),
            refused_full: get(&self.refused_full),
            refused_disk: get(&self.refused_disk),
            ..StoreStats::default()
        }
    }
}
