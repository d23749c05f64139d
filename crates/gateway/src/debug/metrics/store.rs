//! Figures of the store, whatever its kind: the node hands them in.

use super::exposition::{Figure, histogram, table};

/// What a store has done since it was opened, and how it is.
#[derive(Clone, Debug, Default)]
pub struct StoreFigures {
    /// Commits: groups of batches that became durable together.
    pub groups: u64,
    /// Batches of shards in them.
    pub batches: u64,
    /// Rows written or removed.
    pub rows: u64,
    /// Bytes of keys and values written.
    pub bytes: u64,
    /// How long commits took, until they were durable.
    pub commits: Durations,
    /// Commits that took unusually long.
    pub stalls: u64,
    /// Batches refused because too many waited.
    pub refused_full: u64,
    /// Batches refused because the disk was nearly full.
    pub refused_disk: u64,
    /// Batches that wait now.
    pub queued: u64,
    /// Of the storage engine, if there is one in the process.
    pub engine: Option<EngineFigures>,
}

/// How a log-structured engine within the process is.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineFigures {
    /// Journals that are kept.
    pub journals: u64,
    /// Bytes in its memtables.
    pub memtable_bytes: u64,
}

/// How often something took how long.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// Upper bounds, in microseconds, rising.
    pub bounds_micros: Vec<u64>,
    /// How many lie within each bound and above the one before it; one more than there are bounds, for what is above all.
    pub counts: Vec<u64>,
    /// The sum of all, in microseconds.
    pub sum_micros: u64,
}

const STORE: &[Figure<StoreFigures>] = &[
    Figure::counter(
        "denrei_store_commits_total",
        "Commits: groups of batches that became durable together.",
        |store| store.groups as f64,
    ),
    Figure::counter("denrei_store_batches_total", "Batches of shards in those commits.", |store| {
        store.batches as f64
    }),
    Figure::counter("denrei_store_rows_total", "Rows written or removed.", |store| store.rows as f64),
    Figure::counter("denrei_store_written_bytes_total", "Bytes of keys and values written.", |store| {
        store.bytes as f64
    }),
    Figure::counter("denrei_store_stalled_commits_total", "Commits that took longer than 50 ms.", |store| {
        store.stalls as f64
    }),
    Figure::counter(
        "denrei_store_refused_full_batches_total",
        "Batches refused because the queue of the store was full.",
        |store| store.refused_full as f64,
    ),
    Figure::counter(
        "denrei_store_refused_disk_batches_total",
        "Batches refused because hardly any disk was left.",
        |store| store.refused_disk as f64,
    ),
    Figure::gauge("denrei_store_queued_batches", "Batches that wait for their commit.", |store| {
        store.queued as f64
    }),
];

const ENGINE: &[Figure<EngineFigures>] = &[
    Figure::gauge("denrei_store_journals", "Journals of the storage engine.", |engine| {
        engine.journals as f64
    }),
    Figure::gauge("denrei_store_memtable_bytes", "Bytes in memtables of the storage engine.", |engine| {
        engine.memtable_bytes as f64
    }),
];

const COMMITS: (&str, &str) = (
    "denrei_store_commit_duration_seconds",
    "How long commits took until they were durable, flushing to disk included.",
);

/// Writes them.
pub(super) fn write(out: &mut String, figures: &StoreFigures) {
    table(out, STORE, figures);
    if let Some(engine) = &figures.engine {
        table(out, ENGINE, engine);
    }
    let (name, help) = COMMITS;
    histogram(out, name, help, &figures.commits);
}
