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
    /// The reads of others may fill what room there is: the next of them that ends may leave some.
    is_crowded: bool,
    /// How many are wanted now.
    wanted: usize,
    /// Until when nothing is asked of the log, by the steady clock.
    rest: Option<Duration>,
    is_over: bool,
}

impl Intake {
    pub(super) fn new(records: Box<dyn Records>, reserve: Reserve) -> Self {
        Self { records, reserve, is_full: false, is_crowded: false, wanted: 0, rest: None, is_over: false }
    }

    /// Decides how many records are wanted, `held` at most.
    pub(super) fn plan(&mut self, account: &Account, settings: &Settings, steady: Duration, held: usize) {
        let (records, bytes) = (&account.records, account.bytes());
        let (most, most_bytes) = (settings.max_pending_records, settings.max_pending_bytes);
        self.is_full = if self.reserve.is_held() {
            // There was room for what is being read.
            false
        } else if self.is_full {
            !(records.has_room(most) && bytes.has_room(most_bytes))
        } else {
            records.is_full(most) || bytes.is_full(most_bytes)
        };
        self.is_crowded = !self.is_full && !self.reserve.is_held() && account.is_crowded(most_bytes);
        self.rest = self.rest.filter(|until| *until > steady);
        let wants = !self.waits_for_room() && self.rest.is_none() && !self.is_over;
        self.wanted = if wants { BATCH.min(most.saturating_sub(records.used())).min(held) } else { 0 };
        if self.wanted == 0 {
            self.reserve.release();
        }
    }

    pub(super) fn wants(&self) -> bool {
        self.wanted > 0
    }

    /// Whether it looks again when it is told that there is room.
    pub(super) fn waits_for_room(&self) -> bool {
        self.is_full || self.is_crowded
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use denrei_storage::log::Room;
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::super::work::{Budget, Charge};
    use super::*;

    /// A log without end.
    struct Endless;

    impl Records for Endless {
        fn next<'a>(&'a mut self, _: usize, _: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
            async { Ok(Vec::new()) }.boxed()
        }
    }

    #[test]
    fn a_read_of_another_makes_a_partition_wait_for_it_and_for_nothing_else() {
        let (budget, most) = (Arc::new(Budget::default()), 1_000_000);
        let settings = Settings { max_pending_bytes: most, ..Settings::default() };
        let account = Arc::new(Account::new(&budget));
        let _charge = Charge::timer(&account, most / 5 * 4);
        let mut other = Reserve::new(&budget);
        assert!((1..most / 5).contains(&other.hold(most)), "what is left");
        let mut intake = Intake::new(Box::new(Endless), Reserve::new(&budget));
        let mut room = std::pin::pin!(budget.room.notified());
        intake.plan(&account, &settings, Duration::ZERO, usize::MAX);
        assert!(!intake.wants() && intake.waits_for_room() && room.as_mut().now_or_never().is_none());
        other.release();
        assert!(room.as_mut().now_or_never().is_some(), "it is told");
        intake.plan(&account, &settings, Duration::ZERO, usize::MAX);
        assert!(intake.wants() && !intake.waits_for_room(), "four fifths are in use: that is not full");
    }
}
