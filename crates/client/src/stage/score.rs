//! What became of what was asked of the node.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Latency;

/// The longest duration that is told from longer ones, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// Durations, in microseconds, to three digits.
pub(crate) struct Micros(RefCell<Histogram<u64>>);

impl Micros {
    pub(crate) fn new() -> std::io::Result<Self> {
        // With fixed bounds: one that resizes does so when values are recorded, not when they are recorded saturating.
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3).map_err(std::io::Error::other)?;
        Ok(Self(RefCell::new(histogram)))
    }

    pub(crate) fn note(&self, took: Duration) {
        self.0.borrow_mut().saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    fn clear(&self) {
        self.0.borrow_mut().reset();
    }

    pub(crate) fn latency(&self) -> Latency {
        Latency::of(&self.0.borrow())
    }
}

/// What became of it.
pub(crate) struct Score {
    /// Messages that were to be sent.
    pub(crate) begun: Cell<usize>,
    /// Those that have an answer.
    pub(crate) done: Cell<usize>,
    pub(crate) acknowledged: Cell<u64>,
    pub(crate) refused: Cell<u64>,
    pub(crate) retried: Cell<u64>,
    /// Of all sends: those that took several attempts are the slow ones.
    pub(crate) sends: Micros,
    /// Of sends answered at the first attempt.
    pub(crate) first_attempts: Micros,
    /// Changes that were granted, by name.
    pub(crate) changes: RefCell<BTreeMap<&'static str, u64>>,
    /// Changes that were refused, in words.
    pub(crate) refusals: RefCell<Vec<String>>,
    /// Of changes that were granted.
    pub(crate) changing: Micros,
}

impl Score {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            begun: Cell::new(0),
            done: Cell::new(0),
            acknowledged: Cell::new(0),
            refused: Cell::new(0),
            retried: Cell::new(0),
            sends: Micros::new()?,
            first_attempts: Micros::new()?,
            changes: RefCell::default(),
            refusals: RefCell::default(),
            changing: Micros::new()?,
        })
    }
}

impl Score {
    /// A send has its answer, after so many attempts and this time.
    pub(super) fn answered(&self, attempts: u32, took: Duration) {
        self.sends.note(took);
        if attempts == 1 {
            self.first_attempts.note(took);
        } else {
            self.retried.set(self.retried.get() + 1);
        }
    }

    /// Counts changes anew from here on.
    pub(crate) fn forget_changes(&self) {
        self.changes.borrow_mut().clear();
        self.changing.clear();
    }
}

/// From when to when a send or a change is counted: from the time at which it was due in open loop, whatever held it up
/// since, and from the first attempt in closed loop.
pub(super) fn latency(due: Option<Duration>, took: Duration, now: Duration) -> Duration {
    due.map_or(took, |due| now.saturating_sub(due))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn in_open_loop_time_counts_from_when_it_was_due_and_waiting_in_the_tool_is_part_of_it() {
        assert_eq!(latency(Some(100 * MS), 5 * MS, 180 * MS), 80 * MS);
    }

    #[test]
    fn in_closed_loop_time_counts_from_the_first_attempt() {
        assert_eq!(latency(None, 5 * MS, 180 * MS), 5 * MS);
    }

    #[test]
    fn sends_that_took_several_attempts_are_in_the_latency_of_all() {
        let score = Score::new().unwrap();
        score.answered(1, 10 * MS);
        score.answered(3, 900 * MS);
        let (all, first) = (score.sends.latency(), score.first_attempts.latency());
        assert_eq!(score.retried.get(), 1);
        assert!((all.max - 900.0).abs() < 1.0 && (first.max - 10.0).abs() < 0.1, "{all:?} {first:?}");
    }

    #[test]
    fn durations_of_any_length_are_kept_to_three_digits() {
        let micros = Micros::new().unwrap();
        (1..=100).for_each(|seconds| micros.note(Duration::from_secs(seconds)));
        let Latency { p50, p99, max, .. } = micros.latency();
        for (found, wanted) in [(p50, 50_000.0), (p99, 99_000.0), (max, 100_000.0)] {
            assert!((found - wanted).abs() < wanted / 500.0, "{found} instead of {wanted}");
        }
    }
}
