//! Carries out what is decided about held keys: parks what must wait, fetches what comes next.

use std::collections::BTreeSet;

use denrei_storage::log::{LogError, TimerId, TimerQuery, TimerRow};

use super::actor::Partition;
use super::arrival::Fate;
use super::held::{NEVER, Next, query};
use super::timers::PAGE;
use super::work::{KeyHash, Origin, Work};
use crate::settings::KeyOrder;
use crate::wire::ParkedKind;

/// One that is parked and comes next, once the writes before it are durable.
#[derive(Debug)]
pub(super) struct Unpark {
    key: KeyHash,
    id: TimerId,
    after: u64,
}

impl Partition {
    /// A task of this key begins to wait: from now on it holds the key, if the order is to be held.
    pub(super) fn begin_to_hold(&mut self, work: &Work) {
        let Some(key) = work.key else { return };
        let offset = work.origin.offset();
        if self.settings.key_order == KeyOrder::Hold {
            self.held.hold(key, offset);
        }
    }

    /// The timer of a task is durable, and holds its key.
    pub(super) fn front_waits(&mut self, work: &Work, row: &TimerRow) {
        // It may have been found and fired before its writer heard of it: then it waits no longer.
        let Some(key) = work.key.filter(|_| !self.book.is_fired(row.version())) else { return };
        // The order may be held only since it was on its way.
        self.begin_to_hold(work);
        let leaves =
            !self.queues.is_busy(key) && self.held.leave_out(key, row.id.offset, self.settings.max_held_keys);
        if !leaves {
            self.held.waits(key, row);
        }
    }

    /// Whether an earlier task of its key waits, so that this one must.
    pub(super) fn must_wait(&self, work: &Work) -> bool {
        !self.held.is_empty()
            && self.settings.key_order == KeyOrder::Hold
            && work.key.is_some_and(|key| self.held.holds_back(key, work.origin.offset()))
    }

    /// Parks a task behind the one that holds its key.
    pub(super) fn park_behind(&mut self, work: Work) {
        let Some(key) = work.key else { return };
        let id = work.timer_id();
        match work.origin {
            // It is parked already, and only goes back: whatever the bound, it keeps its place among those that are fired no longer.
            Origin::Timer(_) => self.held.put_behind(key, id),
            Origin::Log(_) => {
                if self.held.park(key, id, self.settings.max_held).is_none() {
                    return self.held.keep(work);
                }
            }
        }
        self.put_aside(work, ParkedKind::Behind, NEVER);
    }

    /// The task has ended for good: the next one of its key takes its place.
    pub(super) fn let_next(&mut self, key: Option<KeyHash>, offset: denrei_storage::log::Offset) {
        let Some(key) = key.filter(|_| !self.held.is_empty()) else { return };
        let mut offset = offset;
        loop {
            match self.held.ended(key, offset) {
                Next::Nothing => return,
                Next::Parked(id) => {
                    return self.unparks.push_back(Unpark { key, id, after: self.outbox.pushed() });
                }
                Next::Kept(work) => {
                    offset = work.origin.offset();
                    if self.take_turn(*work) {
                        return;
                    }
                }
            }
        }
    }

    /// A task that had to wait behind another is in front now: it is dealt with as if it had just come. False: it ended at once.
    fn take_turn(&mut self, work: Work) -> bool {
        match self.fate(&work) {
            Fate::Run => self.queues.push(work.decided()),
            Fate::Ignore => {
                self.ignore(&work);
                return false;
            }
            Fate::Expire => self.expire(work),
            Fate::Wait(kind, due) => self.park(work, kind, due),
        }
        true
    }

    /// Fetches those whose turn has come.
    pub(super) async fn fetch_unparked(&mut self) {
        while let Some(next) = self.unparks.front() {
            if next.after > self.outbox.done() || self.drain.is_some() {
                return;
            }
            let (key, id) = (next.key, next.id);
            let found = match self.shared.timers.list(&self.place, query(id)).await {
                Ok(rows) => rows.into_iter().next().filter(|row| row.id == id),
                Err(error) => {
                    tracing::warn!(%error, place = ?self.place, "a parked task cannot be read; it will be");
                    return;
                }
            };
            self.unparks.pop_front();
            match found {
                Some(row) => {
                    self.book.fire(row.version());
                    let waits = self.revive(row).is_some_and(|(work, _)| self.take_turn(work));
                    if !waits {
                        self.let_next(Some(key), id.offset);
                    }
                }
                // Cancelled: whoever is behind it comes next.
                None => self.let_next(Some(key), id.offset),
            }
        }
    }

    /// Has the keys go on whose front was cancelled: nothing else would ever end it.
    pub(super) async fn look_for_fronts(&mut self) {
        if !self.book.take_reloaded() {
            return;
        }
        // They are missed again when the timers are next read.
        match self.find_missing().await {
            Ok(gone) => {
                for id in gone {
                    let key = self.held.gone(id);
                    self.let_next(key, id.offset);
                }
            }
            Err(error) => tracing::warn!(%error, place = ?self.place, "timers cannot be read"),
        }
        self.recall_rest().await;
    }

    /// The fronts that are no longer among the timers. Those beyond the window are looked at page by page, one each time.
    async fn find_missing(&mut self) -> Result<BTreeSet<TimerId>, LogError> {
        let mut missing = self.held.missing(&self.book);
        if let Some(from) = self.book.horizon().and_then(|horizon| self.held.look_from(horizon)) {
            let query = TimerQuery { after: Some(from), ..PAGE };
            let rows = self.shared.timers.list(&self.place, query).await?;
            missing.append(&mut self.held.missing_among(from, &rows));
        }
        let mut query = PAGE;
        while !missing.is_empty() {
            let rows = self.shared.timers.list(&self.place, query).await?;
            for row in &rows {
                if missing.contains(&row.id) && self.held.is_front(row) {
                    missing.remove(&row.id);
                }
            }
            let Some(last) = rows.last() else { break };
            query.after = Some((last.due, last.id));
        }
        Ok(missing)
    }
}
