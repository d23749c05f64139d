//! What can be set, and changed while it runs.

mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

pub use self::source::{SettingsFile, SettingsSource, StaticSettings};

/// How a failed task is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Delay before the second try, in milliseconds. Default 1,000.
    pub first_ms: u64,
    /// Each further delay is so many times the one before. Default 2.
    pub factor: f64,
    /// Longest delay, in milliseconds. Default 600,000 (10 minutes).
    pub cap_ms: u64,
    /// A delay is shortened by up to this share, so that what failed together does not come back together. Default 0.2.
    pub jitter: f64,
    /// So many tries in all; after the last one the task goes to the dead letters. Default 16.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first_ms: 1_000, factor: 2.0, cap_ms: 600_000, jitter: 0.2, attempts: 16 }
    }
}

impl RetryPolicy {
    /// The delay after this many failed tries; `luck` between 0 and 1 decides the jitter. `None`: give up.
    #[must_use]
    pub fn delay(&self, failed: u32, luck: f64) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = Duration::from_millis(self.first_ms).as_secs_f64() * self.factor.powi(exponent);
        let capped = grown.min(Duration::from_millis(self.cap_ms).as_secs_f64());
        Some(Duration::from_secs_f64(capped * (1.0 - self.jitter.clamp(0.0, 1.0) * luck)))
    }
}

/// What a deferred task that takes too long comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DeferTimeout {
    /// It gets the same time again.
    Extend,
    /// It is retried; what its handle says later only counts.
    #[default]
    Retry,
    /// It goes to the dead letters.
    DeadLetter,
}

/// Whether a task may pass an earlier one of its key that waits for a retry or for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrder {
    /// Yes.
    #[default]
    Overtake,
    /// No: later tasks of the key are parked durably behind it.
    Hold,
}

/// The properties of a subscription. All of them can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Tasks of a partition that run at once; 0 means as many as there are keys. Default 1.
    pub partition_concurrency: usize,
    /// Tasks of a partition that are read and not completed; above, reading of it stops. Default 10,000.
    pub max_pending_records: usize,
    /// Bytes of tasks read and not completed, all partitions together, 256 more for each; above, reading stops. No more is read than
    /// there is room for, but for one task a partition: it may be larger than what is left. Default 64 MiB.
    pub max_pending_bytes: usize,
    /// Timers of a partition that are fired and not completed. Default 1,000.
    pub max_fired_timers: usize,
    /// How often completed offsets are committed, in milliseconds. Default 1,000.
    pub commit_interval_ms: u64,
    /// Tries a second and partition, of tasks that waited too: −1 any, 0 none. Default −1.
    pub processing_rate: i64,
    /// Tries a second and key: of tasks that have just come, of those whose time has come, and of those that failed. What is over it
    /// waits its turn as a timer, and is not counted again when that is due. −1 any. Default −1. Counted by the steady clock: one that is
    /// set grants nothing and takes nothing. What waits its turn and is cancelled does not give its place back. Another rate begins anew: what
    /// was counted is forgotten, and what waits keeps its time.
    pub per_key_rate: i64,
    /// A task older than this, in milliseconds, goes to the dead letters; 0 means never. Default 0. Looked at when it is read, and when
    /// its timer is due, whatever it waited for. The age of one that was told to wait counts from its time on, that of a dead letter that
    /// was put back from then on.
    pub task_ttl_ms: u64,
    /// Tasks of these keys are completed without being run: those that wait, when they are due. Default none.
    pub ignore_keys: BTreeSet<String>,
    /// How failed tasks are tried again.
    pub retry: RetryPolicy,
    /// How long a deferred task may take, in milliseconds; 0 means for ever. Default 0.
    pub defer_timeout_ms: u64,
    /// What a deferred task that takes too long comes to. Default `retry`.
    pub defer_timeout: DeferTimeout,
    /// Whether later tasks of a key pass one that waits. Default `overtake`.
    pub key_order: KeyOrder,
    /// Tasks of a partition that may be parked behind others of their keys; above, reading of it stops. Default 10,000.
    pub max_held: usize,
    /// Keys of a partition that may be held by [`KeyOrder::Hold`], each by a task that waits; above, reading of it stops until tasks
    /// that wait are done. Some 350 bytes each, in memory. Default 100,000.
    pub max_held_keys: usize,
    /// How long a partition that is wanted back waits for tasks in flight, in milliseconds. Default 5,000.
    pub rebalance_timeout_ms: u64,
    /// How long a shutdown waits for tasks in flight, in milliseconds. Default 30,000.
    pub shutdown_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partition_concurrency: 1,
            max_pending_records: 10_000,
            max_pending_bytes: 64 << 20,
            max_fired_timers: 1_000,
            commit_interval_ms: 1_000,
            processing_rate: -1,
            per_key_rate: -1,
            task_ttl_ms: 0,
            ignore_keys: BTreeSet::new(),
            retry: RetryPolicy::default(),
            defer_timeout_ms: 0,
            defer_timeout: DeferTimeout::Retry,
            key_order: KeyOrder::Overtake,
            max_held: 10_000,
            max_held_keys: 100_000,
            rebalance_timeout_ms: 5_000,
            shutdown_timeout_ms: 30_000,
        }
    }
}

/// What is wrong with settings: everything at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsError(Vec<String>);

impl SettingsError {
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
    pub(crate) fn one(fault: impl ToString) -> Self {
        Self(vec![fault.to_string()])
    }
}

impl Settings {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// All faults at once.
    pub fn check(&self) -> Result<(), SettingsError> {
        let positive = [
            ("max_pending_records", self.max_pending_records as u64),
            ("max_pending_bytes", self.max_pending_bytes as u64),
            ("max_fired_timers", self.max_fired_timers as u64),
            ("commit_interval_ms", self.commit_interval_ms),
            ("max_held", self.max_held as u64),
            ("max_held_keys", self.max_held_keys as u64),
            ("retry.attempts", u64::from(self.retry.attempts)),
        ];
        let mut faults: Vec<String> = positive
            .iter()
            .filter(|(_, n)| *n == 0)
            .map(|(name, _)| format!("{name} must not be 0"))
            .collect();
        for (name, rate) in [("processing_rate", self.processing_rate), ("per_key_rate", self.per_key_rate)] {
            if !(-1..=1_000_000).contains(&rate) {
                faults.push(format!("{name} must lie between -1 and 1000000"));
            }
        }
        if !(1.0..=1000.0).contains(&self.retry.factor) {
            faults.push("retry.factor must lie between 1 and 1000".to_owned());
        }
        if !(0.0..=1.0).contains(&self.retry.jitter) {
            faults.push("retry.jitter must lie between 0 and 1".to_owned());
        }
        if faults.is_empty() { Ok(()) } else { Err(SettingsError(faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_end() {
        let policy = RetryPolicy { first_ms: 100, factor: 3.0, cap_ms: 1_000, jitter: 0.5, attempts: 5 };
        let delays: Vec<_> = (1..=5).map(|failed| policy.delay(failed, 0.0).map(|d| d.as_millis())).collect();
        assert_eq!(delays, [Some(100), Some(300), Some(900), Some(1_000), None]);
        assert_eq!(policy.delay(2, 1.0), Some(Duration::from_millis(150)));
        assert_eq!(
            RetryPolicy { attempts: u32::MAX, ..policy }.delay(u32::MAX - 1, 0.0),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let settings = Settings { commit_interval_ms: 0, processing_rate: -2, ..Settings::default() };
        let error = settings.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "commit_interval_ms must not be 0; processing_rate must lie between -1 and 1000000"
        );
    }
}
