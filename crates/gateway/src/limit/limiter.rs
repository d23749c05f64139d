//! One keyed limiter with a bound on its keys.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use denrei_model::clock::Clock;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::Rate;

/// Between two sweeps of keys that have rested.
const SWEEP_EVERY: u32 = 4_096;

/// The gateway's clock, as governor wants it.
#[derive(Clone)]
struct Monotonic(Arc<dyn Clock>);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// Limits each key by itself.
pub(super) struct Limiter<K: Hash + Eq + Clone> {
    inner: RateLimiter<K, DefaultKeyedStateStore<K>, Monotonic, NoOpMiddleware<Duration>>,
    clock: Monotonic,
    max_keys: usize,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limiter of this rate; none if the rate is off.
    pub(super) fn new(rate: Rate, max_keys: NonZeroUsize, clock: &Arc<dyn Clock>) -> Option<Self> {
        let per_minute = std::num::NonZeroU32::new(rate.per_minute)?;
        let quota = Quota::per_minute(per_minute).allow_burst(rate.burst);
        let clock = Monotonic(Arc::clone(clock));
        let inner = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Some(Self { inner, clock, max_keys: max_keys.get(), checks: AtomicU32::new(0) })
    }

    /// One more of this key; or how long it has to wait.
    pub(super) fn check(&self, key: &K) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) || self.is_full() {
            self.inner.retain_recent();
            if self.is_full() {
                tracing::warn!(keys = self.max_keys, "as many are limited as can be remembered");
                return Err(Duration::from_secs(1));
            }
        }
        self.inner.check_key(key).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    fn is_full(&self) -> bool {
        self.inner.len() >= self.max_keys
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.inner.len()
    }
}
