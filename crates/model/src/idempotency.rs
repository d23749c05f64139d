//! Idempotency keys: `yyyymmdd-…`, the day being the server's.
//!
//! A key is kept for 48 hours with a hash of the payload. Because it names its day, a key that has been forgotten is
//! recognised and refused rather than taken for a new request.

use std::fmt;
use std::str::FromStr;

use crate::clock::Day;

/// A key that a client chose for one request, to be repeated with every retry of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IdempotencyKey {
    day: Day,
    text: String,
}

/// Shortest key that is accepted, in bytes: a day, a hyphen and something.
pub const MIN_KEY_BYTES: usize = 10;
/// Longest key that is accepted, in bytes.
pub const MAX_KEY_BYTES: usize = 96;

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `yyyymmdd-` and 1 to 87 of A–Z a–z 0–9 . _ : -")]
pub struct ParseKeyError;

/// Whether a key can still be honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAge {
    /// Of yesterday, today, or (a clock ahead) tomorrow.
    Fresh,
    /// Of a day before yesterday: what was done under it is forgotten.
    Expired,
    /// More than a day ahead of the server's date.
    Future,
}

impl IdempotencyKey {
    /// The day that it names.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it stands on the server's day.
    #[must_use]
    pub const fn age(&self, today: Day) -> KeyAge {
        if self.day.number() + 1 < today.number() {
            KeyAge::Expired
        } else if self.day.number() > today.number() + 1 {
            KeyAge::Future
        } else {
            KeyAge::Fresh
        }
    }
}

impl FromStr for IdempotencyKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (date, rest) = text.split_once('-').ok_or(ParseKeyError)?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        let well_formed = date.len() == 8
            && date.bytes().all(|b| b.is_ascii_digit())
            && !rest.is_empty()
            && text.len() <= MAX_KEY_BYTES
            && rest.bytes().all(legal);
        if !well_formed {
            return Err(ParseKeyError);
        }
        let day = date.parse().ok().and_then(Day::from_yyyymmdd).ok_or(ParseKeyError)?;
        Ok(Self { day, text: text.to_owned() })
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<IdempotencyKey, ParseKeyError> {
        text.parse()
    }

    #[test]
    fn keys_of_yesterday_today_and_tomorrow_are_fresh() {
        let today = Day::from_yyyymmdd(20_261_124).unwrap();
        let age = |text: &str| key(text).unwrap().age(today);
        assert_eq!(age("20261123-a"), KeyAge::Fresh);
        assert_eq!(age("20261124-a"), KeyAge::Fresh);
        assert_eq!(age("20261125-a"), KeyAge::Fresh);
        assert_eq!(age("20261122-a"), KeyAge::Expired);
        assert_eq!(age("20261126-a"), KeyAge::Future);
    }

    #[test]
    fn malformed_keys_are_refused() {
        for text in ["", "20261124", "20261124-", "2026112-a", "20261332-a", "20261124-ä", "x0261124-a"] {
            assert_eq!(key(text), Err(ParseKeyError), "{text}");
        }
        assert!(key(&format!("20261124-{}", "a".repeat(MAX_KEY_BYTES))).is_err());
    }
}
