//! When each message was sent, was durable, and had reached its device; and what that says.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use denrei_model::clock::{Clock as _, SystemClock};

#[derive(Clone, Copy, Default)]
struct Times {
    sent: Duration,
    durable: Option<Duration>,
    pushed: Option<Duration>,
}

/// The times of the messages of one round. Numbers go on from round to round, so that a late one is not taken for another.
#[derive(Clone)]
pub(crate) struct Log(Rc<Inner>);

struct Inner {
    clock: SystemClock,
    first: Cell<usize>,
    times: RefCell<Vec<Times>>,
    pushed: Cell<usize>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let times = RefCell::default();
        Self(Rc::new(Inner { clock: SystemClock::new(), first: Cell::new(0), times, pushed: Cell::new(0) }))
    }

    /// Forgets the round before.
    pub(crate) fn begin(&self) {
        let mut times = self.0.times.borrow_mut();
        self.0.first.set(self.0.first.get() + times.len());
        self.0.pushed.set(0);
        times.clear();
    }

    /// A message is sent now; its number.
    pub(crate) fn send(&self) -> usize {
        let mut times = self.0.times.borrow_mut();
        times.push(Times { sent: self.0.clock.monotonic(), ..Times::default() });
        self.0.first.get() + times.len() - 1
    }

    /// Its sender has been told that it is durable.
    pub(crate) fn durable(&self, number: usize) {
        let now = self.0.clock.monotonic();
        self.at(number, |times| times.durable = Some(now));
    }

    /// Its device has it.
    pub(crate) fn pushed(&self, number: usize) {
        let now = self.0.clock.monotonic();
        self.at(number, |times| times.pushed = Some(now));
        self.0.pushed.set(self.0.pushed.get() + 1);
    }

    /// How many of this round have reached their device.
    pub(crate) fn arrived(&self) -> usize {
        self.0.pushed.get()
    }

    fn at(&self, number: usize, note: impl FnOnce(&mut Times)) {
        let Some(place) = number.checked_sub(self.0.first.get()) else { return };
        if let Some(times) = self.0.times.borrow_mut().get_mut(place) {
            note(times);
        }
    }

    /// From sending to the push, of those that arrived, in milliseconds, sorted.
    pub(crate) fn in_all(&self) -> Vec<f64> {
        self.spans(|times| Some(times.pushed?.saturating_sub(times.sent)))
    }

    /// How long after the answer the push came, in milliseconds, sorted; zero where it came first.
    pub(crate) fn beyond(&self) -> Vec<f64> {
        self.spans(|times| Some(times.pushed?.saturating_sub(times.durable?)))
    }

    fn spans(&self, span: impl Fn(&Times) -> Option<Duration>) -> Vec<f64> {
        let times = self.0.times.borrow();
        let mut spans: Vec<f64> =
            times.iter().filter_map(span).map(|span| span.as_secs_f64() * 1e3).collect();
        spans.sort_by(f64::total_cmp);
        spans
    }
}

/// The value at or below which this share of the sorted ones lie.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.5), 50.0);
        assert_eq!(quantile(&sorted, 0.99), 99.0);
        assert_eq!(quantile(&[], 0.99), 0.0);
    }

    #[test]
    fn a_push_of_an_earlier_round_does_not_touch_this_one() {
        let log = Log::new();
        let late = log.send();
        log.begin();
        let number = log.send();
        log.durable(late);
        log.pushed(number);
        assert_eq!((log.in_all().len(), log.beyond().len()), (1, 0));
    }
}
