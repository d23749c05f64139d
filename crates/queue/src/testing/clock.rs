//! A clock that follows tokio's time, paused or not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use denrei_model::{Clock, Timestamp};
use tokio::time::Instant;

/// A clock whose time is tokio's; its wall clock can be made to jump.
#[derive(Debug)]
pub struct TokioClock {
    started: Instant,
    base: u64,
    jumped: AtomicI64,
}

impl TokioClock {
    /// A clock that shows `now` now.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { started: Instant::now(), base: now.as_millis(), jumped: AtomicI64::new(0) }
    }

    /// Moves the wall clock by this many milliseconds, back if negative; the steady one goes on as before.
    pub fn jump(&self, millis: i64) {
        self.jumped.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let base =
            Timestamp::from_millis(self.base.saturating_add_signed(self.jumped.load(Ordering::SeqCst)));
        base.plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
