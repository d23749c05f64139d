//! So many tasks a second and key: exact per key, by the generic cell rate algorithm (ITU-T I.371).

use std::time::Duration;

use super::work::{KeyHash, KeyMap};

/// A key may use ten seconds' worth at once.
const BURST: Duration = Duration::from_secs(10);
/// Keys that are remembered; keys beyond are not limited until others have been idle.
const MAX_KEYS: usize = 65_536;

/// When each key will have used up what it took, in microseconds of the steady clock: one that is set back or forward grants and
/// takes nothing.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    /// What was taken was taken at this rate.
    rate: u64,
    used_until: KeyMap<u64>,
}

impl Quota {
    /// How long until a task of this key is within the quota; `None`: it is now.
    pub(crate) fn take(&mut self, key: KeyHash, rate: i64, now: Duration) -> Option<Duration> {
        let rate = u64::try_from(rate).ok().filter(|rate| *rate > 0)?;
        if self.rate != rate {
            // What a key had taken says nothing of what it may take now.
            (self.rate, self.used_until) = (rate, KeyMap::default());
        }
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        if self.used_until.len() >= MAX_KEYS && !self.used_until.contains_key(&key) {
            self.used_until.retain(|_, until| *until > now);
            if self.used_until.len() >= MAX_KEYS {
                return None;
            }
        }
        let until = self.used_until.entry(key).or_insert(now);
        *until = (*until).max(now) + 1_000_000 / rate;
        let burst = u64::try_from(BURST.as_micros()).unwrap_or(u64::MAX);
        let due = until.saturating_sub(burst);
        // The clock that it will wait by has milliseconds.
        (due > now).then(|| Duration::from_millis((due - now).div_ceil(1000)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_is_over_the_quota_is_due_when_its_turn_comes() {
        let (mut quota, now) = (Quota::default(), Duration::from_secs(1_000));
        let (busy, quiet) = (KeyHash::of(&Bytes::from("busy")), KeyHash::of(&Bytes::from("quiet")));
        let due: Vec<_> = (0..25).map(|_| quota.take(busy, 2, now)).collect();
        assert!(due[..20].iter().all(Option::is_none));
        let late: Vec<_> = due[20..].iter().map(|d| d.unwrap().as_millis()).collect();
        assert_eq!(late, [500, 1_000, 1_500, 2_000, 2_500]);
        assert_eq!(quota.take(quiet, 2, now), None);
        assert_eq!(quota.take(quiet, -1, now), None);
    }

    #[test]
    fn what_was_taken_at_another_rate_is_forgotten() {
        let (mut quota, now) = (Quota::default(), Duration::from_secs(1_000));
        let busy = KeyHash::of(&Bytes::from("busy"));
        let taken = (0..1_000).filter(|_| quota.take(busy, 1, now).is_none()).count();
        assert_eq!(taken, 10);
        let taken = (0..2_000).filter(|_| quota.take(busy, 100, now).is_none()).count();
        assert_eq!(taken, 1_000, "ten seconds' worth of the new rate");
        assert!(quota.take(busy, 100, now).is_some(), "what is taken at one rate is counted");
    }
}
