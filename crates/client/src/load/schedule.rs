//! What is due when. In open loop turns come at their rate whatever the node does, and are counted from when they were due; in
//! closed loop the next one comes as soon as there is room.

use std::time::Duration;

use super::Extent;

/// Turns of a run, one after the other.
pub(super) struct Schedule {
    began: Duration,
    extent: Extent,
    rate: Option<f64>,
    turns: u64,
}

/// Leave to do one thing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Turn {
    /// Counts up from 0.
    pub(super) number: u64,
    /// When it is due, in open loop.
    pub(super) due: Option<Duration>,
}

impl Schedule {
    pub(super) const fn new(began: Duration, extent: Extent, rate: Option<f64>) -> Self {
        Self { began, extent, rate, turns: 0 }
    }

    /// The next turn, if it comes before the end, with this many messages sent by now.
    pub(super) fn next(&mut self, now: Duration, messages: usize) -> Option<Turn> {
        let number = self.turns;
        let due = self.rate.map(|rate| self.began.saturating_add(after(number, rate)));
        let over = match self.extent {
            Extent::Messages(most) => messages >= most,
            Extent::Time(time) => due.unwrap_or(now) >= self.began.saturating_add(time),
        };
        if over {
            return None;
        }
        self.turns += 1;
        Some(Turn { number, due })
    }
}

/// How long after the beginning a turn comes.
fn after(number: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn in_open_loop_turns_are_due_at_their_rate_however_late_it_is() {
        let mut schedule = Schedule::new(10 * SECOND, Extent::Messages(100), Some(4.0));
        let dues: Vec<_> = (0..3).filter_map(|sent| schedule.next(99 * SECOND, sent)?.due).collect();
        assert_eq!(dues, [10_000, 10_250, 10_500].map(Duration::from_millis));
    }

    #[test]
    fn a_run_of_so_many_seconds_has_all_the_turns_that_were_due_in_them() {
        let mut schedule = Schedule::new(SECOND, Extent::Time(2 * SECOND), Some(100.0));
        let turns = std::iter::from_fn(|| schedule.next(50 * SECOND, 0)).count();
        assert_eq!(turns, 200);
    }

    #[test]
    fn in_closed_loop_nothing_is_due_and_the_clock_ends_it() {
        let mut schedule = Schedule::new(SECOND, Extent::Time(2 * SECOND), None);
        assert_eq!(schedule.next(SECOND, 0), Some(Turn { number: 0, due: None }));
        assert_eq!(schedule.next(2 * SECOND, 0), Some(Turn { number: 1, due: None }));
        assert_eq!(schedule.next(3 * SECOND, 0), None);
    }

    #[test]
    fn a_rate_below_anything_sensible_is_waited_for() {
        let mut schedule = Schedule::new(SECOND, Extent::Messages(2), Some(1e-300));
        let dues: Vec<_> = (0..2).filter_map(|_| schedule.next(SECOND, 0)?.due).collect();
        assert_eq!(dues, [SECOND, Duration::MAX]);
    }

    #[test]
    fn a_run_of_so_many_messages_ends_with_the_last_of_them() {
        let mut schedule = Schedule::new(SECOND, Extent::Messages(2), None);
        assert!(schedule.next(SECOND, 1).is_some());
        assert_eq!(schedule.next(SECOND, 2), None);
    }
}
