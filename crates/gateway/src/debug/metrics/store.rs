//! Figures of the store, whatever its kind: the node hands them in.

use super::exposition::{Figure, Kind, head, label, sample, table};

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

/// Writes them.
pub(super) fn write(out: &mut String, figures: &StoreFigures) {
    table(out, STORE, figures);
    if let Some(engine) = &figures.engine {
        table(out, ENGINE, engine);
    }
    let help = "How long commits took until they were durable, flushing to disk included.";
    histogram(out, "denrei_store_commit_duration_seconds", help, &figures.commits);
}

/// Buckets of this format hold all that lies below their bound, those of lower bounds included.
fn histogram(out: &mut String, name: &str, help: &str, durations: &Durations) {
    head(out, name, Kind::Histogram, help);
    let bucket = format!("{name}_bucket");
    let mut below = 0;
    for (bound, count) in durations.bounds_micros.iter().zip(&durations.counts) {
        below += count;
        let bound = seconds(*bound).to_string();
        sample(out, &bucket, &label("le", &bound), below as f64);
    }
    let all: u64 = durations.counts.iter().sum();
    sample(out, &bucket, &label("le", "+Inf"), all as f64);
    sample(out, &format!("{name}_sum"), "", seconds(durations.sum_micros));
    sample(out, &format!("{name}_count"), "", all as f64);
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_those_of_lower_bounds_too_and_the_last_one_all() {
        let commits =
            Durations { bounds_micros: vec![100, 2_500], counts: vec![3, 1, 2], sum_micros: 1_500_000 };
        let mut out = String::new();
        histogram(&mut out, "x_seconds", "Help.", &commits);
        let samples: Vec<&str> = out.lines().skip(2).collect();
        assert_eq!(
            samples,
            [
                "x_seconds_bucket{le=\"0.0001\"} 3",
                "x_seconds_bucket{le=\"0.0025\"} 4",
                "x_seconds_bucket{le=\"+Inf\"} 6",
                "x_seconds_sum 1.5",
                "x_seconds_count 6",
            ]
        );
    }
}
