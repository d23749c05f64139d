//! What is counted, under the names that Prometheus shows; each with its help. All carry `subscription`.

use denrei_storage::log::Place;
use metrics::{Counter, Gauge, Histogram};

/// A figure's name, and what it says.
pub(crate) struct Figure(&'static str, &'static str);

const CONSUMED: Figure = Figure("denrei_queue_tasks_consumed_total", "Tasks read from a topic.");
const PROCESSED: Figure = Figure("denrei_queue_tasks_processed_total", "Tries of a task that ended well.");
const FAILED: Figure = Figure("denrei_queue_tasks_failed_total", "Tries of a task that failed.");
const RETRIED: Figure =
    Figure("denrei_queue_tasks_retried_total", "Tries of a task that failed and will be repeated.");
const PARKED: Figure = Figure(
    "denrei_queue_tasks_parked_total",
    "Tasks put aside in the store, most of them until they are due.",
);
const IGNORED: Figure =
    Figure("denrei_queue_tasks_ignored_total", "Tasks passed over because a setting names their key.");
const SKIPPED: Figure =
    Figure("denrei_queue_tasks_skipped_total", "Tasks that an earlier owner of the partition had done.");
const DEAD_LETTERS: Figure =
    Figure("denrei_queue_dead_letters_total", "Tasks given up, to be kept as dead letters.");
const DEAD_LETTER_FAILURES: Figure = Figure(
    "denrei_queue_dead_letter_failures_total",
    "Dead letters and retries that could not be written, and will be.",
);
const LATE_RESULTS: Figure =
    Figure("denrei_queue_late_results_total", "Results of deferred tasks that nobody waited for any more.");
const DEFERRED_TIMEOUTS: Figure = Figure(
    "denrei_queue_deferred_timeouts_total",
    "Times that a deferred task had no result when its time was over.",
);
const COMMIT_FAILURES: Figure =
    Figure("denrei_queue_commit_failures_total", "Offsets that could not be committed.");
const TIMER_LATENESS: Figure =
    Figure("denrei_queue_timer_lateness_seconds", "How long after they were due parked tasks were taken up.");
const PENDING_BYTES: Figure =
    Figure("denrei_queue_pending_bytes", "Bytes of tasks that were read and are not done.");
/// Of one partition.
pub(crate) const PENDING_RECORDS: Figure = Figure(
    "denrei_queue_pending_records",
    "Records of a partition that were read and are not done; by `topic` and `partition` too.",
);
/// Of one partition.
pub(crate) const COMMITTED_OFFSET: Figure = Figure(
    "denrei_queue_committed_offset",
    "Offset of a partition below which every task is done; by `topic` and `partition` too.",
);
/// Of one partition, as [`crate::admin::QueueAdmin::record_lag`] finds it.
const LAG: Figure = Figure(
    "denrei_queue_lag_records",
    "Records of a partition that are not done, those that were not read included; by `topic` and `partition` too.",
);

const COUNTERS: [Figure; 12] = [
    CONSUMED,
    PROCESSED,
    FAILED,
    RETRIED,
    PARKED,
    IGNORED,
    SKIPPED,
    DEAD_LETTERS,
    DEAD_LETTER_FAILURES,
    LATE_RESULTS,
    DEFERRED_TIMEOUTS,
    COMMIT_FAILURES,
];
const GAUGES: [Figure; 4] = [PENDING_BYTES, PENDING_RECORDS, COMMITTED_OFFSET, LAG];
const HISTOGRAMS: [Figure; 1] = [TIMER_LATENESS];

/// Tells the recorder what each figure says.
fn describe() {
    for Figure(name, help) in COUNTERS {
        metrics::describe_counter!(name, help);
    }
    for Figure(name, help) in GAUGES {
        metrics::describe_gauge!(name, help);
    }
    for Figure(name, help) in HISTOGRAMS {
        metrics::describe_histogram!(name, help);
    }
}

/// The meters of one subscription.
#[derive(Clone)]
pub(crate) struct Meters {
    name: String,
    pub(crate) consumed: Counter,
    pub(crate) processed: Counter,
    pub(crate) failed: Counter,
    pub(crate) retried: Counter,
    pub(crate) parked: Counter,
    pub(crate) ignored: Counter,
    pub(crate) skipped: Counter,
    pub(crate) dead_letters: Counter,
    pub(crate) dead_letter_failures: Counter,
    pub(crate) late_results: Counter,
    pub(crate) deferred_timeouts: Counter,
    pub(crate) commit_failures: Counter,
    pub(crate) timer_lateness: Histogram,
    pub(crate) pending_bytes: Gauge,
}

impl Meters {
    pub(crate) fn new(subscription: &str) -> Self {
        describe();
        let counter =
            |Figure(name, _): Figure| metrics::counter!(name, "subscription" => subscription.to_owned());
        Self {
            name: subscription.to_owned(),
            consumed: counter(CONSUMED),
            processed: counter(PROCESSED),
            failed: counter(FAILED),
            retried: counter(RETRIED),
            parked: counter(PARKED),
            ignored: counter(IGNORED),
            skipped: counter(SKIPPED),
            dead_letters: counter(DEAD_LETTERS),
            dead_letter_failures: counter(DEAD_LETTER_FAILURES),
            late_results: counter(LATE_RESULTS),
            deferred_timeouts: counter(DEFERRED_TIMEOUTS),
            commit_failures: counter(COMMIT_FAILURES),
            timer_lateness: metrics::histogram!(TIMER_LATENESS.0, "subscription" => subscription.to_owned()),
            pending_bytes: metrics::gauge!(PENDING_BYTES.0, "subscription" => subscription.to_owned()),
        }
    }

    /// A gauge of one partition.
    pub(crate) fn of_place(&self, figure: Figure, place: &Place) -> Gauge {
        gauge_of(&self.name, figure, place)
    }
}

/// Says by how many records a subscription is behind in a partition.
pub(crate) fn record_lag(subscription: &str, place: &Place, records: u64) {
    gauge_of(subscription, LAG, place).set(records as f64);
}

fn gauge_of(subscription: &str, Figure(name, _): Figure, place: &Place) -> Gauge {
    metrics::gauge!(
        name,
        "subscription" => subscription.to_owned(),
        "topic" => place.topic.as_str().to_owned(),
        "partition" => place.partition.0.to_string()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/metrics.md");

    #[test]
    fn the_page_says_of_every_figure_what_its_help_says_and_names_no_other() {
        let row = |kind: &str, Figure(name, help): Figure| format!("| `{name}` | {kind} | {help} |");
        let mut told: BTreeSet<String> = COUNTERS.into_iter().map(|figure| row("counter", figure)).collect();
        told.extend(GAUGES.into_iter().map(|figure| row("gauge", figure)));
        told.extend(HISTOGRAMS.into_iter().map(|figure| row("histogram", figure)));
        let page = PAGE.lines().filter(|line| line.starts_with("| `denrei_queue_"));
        assert_eq!(page.map(str::to_owned).collect::<BTreeSet<_>>(), told);
    }
}
