//! Time, as it comes in from outside. The only module of denrei that reads the machine's clocks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last millisecond of 9999, the last year that dates are written for.
    pub const LAST_DATE: Self = Self(253_402_300_799_999);

    /// The instant this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The day it falls on, in UTC.
    #[must_use]
    pub const fn day(self) -> Day {
        Day((self.0 / 86_400_000) as u32)
    }
}

/// As people write it, to the second, in UTC: `2026-11-24T12:00:00Z`. Beyond the years of four digits it says so.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self > Self::LAST_DATE {
            return f.write_str("after 9999-12-31");
        }
        let date = self.day().to_yyyymmdd();
        let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
        let seconds = self.0 / 1_000 % 86_400;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A day of the server, in UTC: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Day(u32);

impl Day {
    /// The day this many days after 1970-01-01.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The day of a `yyyymmdd`, if there is such a date from 1970 on.
    ///
    /// Days from civil dates as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    #[must_use]
    pub fn from_yyyymmdd(number: u32) -> Option<Self> {
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year / 400;
        let year_of_era = shifted_year % 400;
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let found = Self((era * 146_097 + day_of_era).checked_sub(719_468)?);
        (found.to_yyyymmdd() == number).then_some(found)
    }

    /// The date as `yyyymmdd`, the inverse of [`Day::from_yyyymmdd`].
    #[must_use]
    pub const fn to_yyyymmdd(self) -> u32 {
        let z = self.0 + 719_468;
        let day_of_era = z % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + z / 146_097 * 400 + if month <= 2 { 1 } else { 0 };
        year * 10_000 + month * 100 + day
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never runs backwards.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where the machine's clock is read")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this module is where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().plus(since)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that moves only when it is told to: for tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicU64,
    steady: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { wall: AtomicU64::new(now.as_millis()), steady: AtomicU64::new(0) }
    }

    /// Moves both times on.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.wall.fetch_add(millis, Ordering::SeqCst);
        self.steady.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the wall clock, backwards too, as an operator or a bad time server does.
    pub fn jump(&self, to: Timestamp) {
        self.wall.store(to.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.steady.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable_and_never_nonsense() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (1_795_521_600_000, "2026-11-24T12:00:00Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59Z"),
            (253_402_300_800_000, "after 9999-12-31"),
            (u64::MAX, "after 9999-12-31"),
        ] {
            assert_eq!(Timestamp(millis).to_string(), text);
        }
    }

    #[test]
    fn dates_and_days_agree() {
        assert_eq!(Day::from_yyyymmdd(19_700_101), Some(Day(0)));
        assert_eq!(Day::from_yyyymmdd(20_000_229), Some(Day(11_016)));
        for number in (0..60_000).step_by(7) {
            assert_eq!(Day::from_yyyymmdd(Day(number).to_yyyymmdd()), Some(Day(number)));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for number in [0, 20_260_230, 20_261_301, 20_260_900, 19_691_231, 21_000_229] {
            assert_eq!(Day::from_yyyymmdd(number), None, "{number}");
        }
    }
}
