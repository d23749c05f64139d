//! So many tasks a second: a bucket that holds one second's worth.

use std::time::Duration;

/// The rate of one partition.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: i64,
    tokens: f64,
    at: Duration,
}

/// When a task may run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Permit {
    Now,
    In(Duration),
    /// Not until the rate is changed.
    Never,
}

impl Limiter {
    /// Starts empty, so that a change of rate or of owner is no starting gun.
    pub(crate) fn new(rate: i64, now: Duration) -> Self {
        Self { rate, tokens: 0.0, at: now }
    }

    pub(crate) fn set_rate(&mut self, rate: i64, now: Duration) {
        if rate != self.rate {
            *self = Self::new(rate, now);
        }
    }

    /// Whether any task may run at any time.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.rate < 0
    }

    pub(crate) fn take(&mut self, now: Duration) -> Permit {
        if self.rate < 0 {
            return Permit::Now;
        }
        if self.rate == 0 {
            return Permit::Never;
        }
        #[expect(clippy::cast_precision_loss, reason = "rates are at most a million")]
        let rate = self.rate as f64;
        self.tokens = (self.tokens + now.saturating_sub(self.at).as_secs_f64() * rate).min(rate.max(1.0));
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Permit::Now;
        }
        Permit::In(Duration::from_secs_f64((1.0 - self.tokens) / rate).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_than_two_seconds_worth_and_the_long_run_has_the_rate() {
        let mut limiter = Limiter::new(100, Duration::ZERO);
        let (mut now, mut passed) = (Duration::ZERO, 0);
        while now < Duration::from_secs(10) {
            match limiter.take(now) {
                Permit::Now => passed += 1,
                Permit::In(wait) => now += wait,
                Permit::Never => panic!("a rate of 100 never stops"),
            }
        }
        assert!((990..=1_000).contains(&passed), "{passed}");
        assert_eq!(Limiter::new(0, Duration::ZERO).take(now), Permit::Never);
        assert_eq!(Limiter::new(-1, Duration::ZERO).take(now), Permit::Now);
    }
}
