//! Watching: when the node was away, and what devices receive.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::frame::FullSyncReason;

/// Sees everything that a device receives, raw and in order.
pub trait Observer {
    /// A stream is opened from here.
    fn opened(&self, position: Option<Position>);
    /// A line of a stream.
    fn line(&self, line: &str);
    /// A page of a snapshot.
    fn page(&self, category: Category, body: &str);
    /// All pages are stored: the copy stands here now.
    fn stored(&self, position: Position);
    /// Snapshots are to be taken.
    fn full_sync(&self, reason: FullSyncReason);
}

/// Time, and for how much of it the node could not be reached.
pub struct NodeWatch {
    clock: SystemClock,
    /// Whether anybody has ever reached it.
    was_met: Cell<bool>,
    /// Since when nobody has reached it.
    away_since: Cell<Option<Duration>>,
    /// What the last attempt met with.
    why: RefCell<String>,
    away: Cell<Duration>,
    absences: Cell<u64>,
}

impl Default for NodeWatch {
    fn default() -> Self {
        Self {
            clock: SystemClock::new(),
            was_met: Cell::new(false),
            away_since: Cell::new(None),
            why: RefCell::default(),
            away: Cell::new(Duration::ZERO),
            absences: Cell::new(0),
        }
    }
}

impl NodeWatch {
    /// Time since the watch began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Wall clock, milliseconds since the epoch.
    #[must_use]
    pub fn wall_ms(&self) -> u64 {
        self.clock.now().as_millis()
    }

    /// The server's day as `yyyymmdd`, by this machine's clock.
    #[must_use]
    pub fn date(&self) -> u32 {
        self.clock.now().day().to_yyyymmdd()
    }

    /// The node could not be reached, for this reason.
    pub fn missed(&self, why: &dyn Display) {
        *self.why.borrow_mut() = why.to_string();
        if self.away_since.get().is_none() {
            self.away_since.set(Some(self.now()));
            self.absences.set(self.absences.get() + 1);
        }
    }

    /// The node was reached.
    pub fn met(&self) {
        self.was_met.set(true);
        if let Some(since) = self.away_since.take() {
            self.away.set(self.away.get() + self.now().saturating_sub(since));
        }
    }

    /// Whether it was ever reached.
    #[must_use]
    pub fn was_met(&self) -> bool {
        self.was_met.get()
    }

    /// For how long it has been away, if it is, and what the last attempt to reach it met with.
    #[must_use]
    pub fn absence(&self) -> Option<(Duration, String)> {
        let since = self.away_since.get()?;
        Some((self.now().saturating_sub(since), self.why.borrow().clone()))
    }

    /// For how long it was away, all in all.
    #[must_use]
    pub fn away(&self) -> Duration {
        let now = self.away_since.get().map_or(Duration::ZERO, |since| self.now().saturating_sub(since));
        self.away.get() + now
    }

    /// How often.
    #[must_use]
    pub fn absences(&self) -> u64 {
        self.absences.get()
    }
}
