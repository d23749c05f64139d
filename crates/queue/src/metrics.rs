//! What is counted, under the names that Prometheus shows.
//!
//! All carry `subscription`. Counters: `denrei_queue_tasks_consumed_total`, `…_tasks_processed_total`, `…_tasks_failed_total`,
//! `…_tasks_retried_total`, `…_tasks_parked_total`, `…_tasks_ignored_total`, `…_tasks_skipped_total` (done by an earlier owner above its
//! watermark), `…_dead_letters_total`, `…_dead_letter_failures_total`, `…_late_results_total`, `…_deferred_timeouts_total`,
//! `…_commit_failures_total`. Gauges: `…_pending_bytes`, `…_pending_records`, `…_committed_offset` and `…_consumed_offset` by `topic` and `partition`.
//! Histogram: `…_timer_lateness_seconds`.

use metrics::{Counter, Gauge, Histogram};

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
        let counter = |name: &'static str| metrics::counter!(name, "subscription" => subscription.to_owned());
        Self {
            name: subscription.to_owned(),
            consumed: counter("denrei_queue_tasks_consumed_total"),
            processed: counter("denrei_queue_tasks_processed_total"),
            failed: counter("denrei_queue_tasks_failed_total"),
            retried: counter("denrei_queue_tasks_retried_total"),
            parked: counter("denrei_queue_tasks_parked_total"),
            ignored: counter("denrei_queue_tasks_ignored_total"),
            skipped: counter("denrei_queue_tasks_skipped_total"),
            dead_letters: counter("denrei_queue_dead_letters_total"),
            dead_letter_failures: counter("denrei_queue_dead_letter_failures_total"),
            late_results: counter("denrei_queue_late_results_total"),
            deferred_timeouts: counter("denrei_queue_deferred_timeouts_total"),
            commit_failures: counter("denrei_queue_commit_failures_total"),
            timer_lateness: metrics::histogram!(
                "denrei_queue_timer_lateness_seconds", "subscription" => subscription.to_owned()
            ),
            pending_bytes: metrics::gauge!(
                "denrei_queue_pending_bytes", "subscription" => subscription.to_owned()
            ),
        }
    }

    /// A gauge of one partition.
    pub(crate) fn of_place(&self, name: &'static str, place: &denrei_storage::log::Place) -> Gauge {
        metrics::gauge!(
            name,
            "subscription" => self.name.clone(),
            "topic" => place.topic.as_str().to_owned(),
            "partition" => place.partition.0.to_string()
        )
    }
}
