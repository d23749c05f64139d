//! The records of a partition, taken when there is room for them and somebody to run them.

use std::time::Duration;

use denrei_storage::log::{ErrorKind, LogError, Record, Records};

use super::work::{Account, Reserve};
use crate::settings::Settings;

/// Records are taken so many at once, or as many as the log gives; in between, others have their turn.
const BATCH: usize = 512;
/// After trouble with the log, nothing is asked of it for so long.
const REST: Duration = Duration::from_millis(200);

/// Where the records of a partition come from, and whether it wants any.
pub(super) struct Intake {
    records: Box<dyn Records>,
    /// Room for the bytes of the read that was begun.
    reserve: Reserve,
    /// A bound was reached, and three quarters of it are still in use.
    is_full: bool,
    /// How many are wanted now.
    wanted: usize,
    /// Until when nothing is asked of the log, by the steady clock.
    rest: Option<Duration>,
    is_over: bool,
}

impl Intake {
    pub(super) fn new(records: Box<dyn Records>, reserve: Reserve) -> Self {
        Self { records, reserve, is_full: false, wanted: 0, rest: None, is_over: false }
    }

    /// Decides how many records are wanted.
    pub(super) fn plan(&mut self, account: &Account, settings: &Settings, steady: Duration) {
        let (records, bytes) = (&account.records, account.bytes());
        let (most, most_bytes) = (settings.max_pending_records, settings.max_pending_bytes);
        self.is_full = if self.reserve.is_held() {
            // What makes it full may be the very room that is reserved for what is being read.
            false
        } else if self.is_full {
            !(records.has_room(most) && bytes.has_room(most_bytes))
        } else {
            records.is_full(most) || bytes.is_full(most_bytes)
        };
        self.rest = self.rest.filter(|until| *until > steady);
        let wants = !self.is_full && self.rest.is_none() && !self.is_over;
        self.wanted = if wants { BATCH.min(most.saturating_sub(records.used())) } else { 0 };
        if self.wanted == 0 {
            self.reserve.release();
        }
    }

    pub(super) fn wants(&self) -> bool {
        self.wanted > 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The next records, as far as there is room for their bytes beside what all partitions hold: none, if there is none. May be
    /// dropped and called again.
    pub(super) async fn next(&mut self, most_bytes: usize) -> Result<Vec<Record>, LogError> {
        let reserve = &mut self.reserve;
        self.records.next(self.wanted, &mut || reserve.hold(most_bytes)).await
    }

    /// What was read is accounted for.
    pub(super) fn settle(&mut self) {
        self.reserve.release();
    }

    /// The log did not give any. True: that is worth telling.
    pub(super) fn failed(&mut self, error: &LogError, steady: Duration) -> bool {
        self.reserve.release();
        self.is_over = matches!(error.kind(), ErrorKind::NotOwner | ErrorKind::Closed);
        self.rest = Some(steady + REST);
        !self.is_over
    }

    /// How long it rests still.
    pub(super) fn rest(&self, steady: Duration) -> Option<Duration> {
        self.rest.filter(|_| !self.is_over).map(|until| until.saturating_sub(steady))
    }
}
