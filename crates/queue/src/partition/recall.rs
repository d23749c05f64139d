//! What a partition learns of the timers that earlier owners left: for which records they stand, and which keys they hold.

use denrei_model::Timestamp;
use denrei_storage::log::{LogError, Offset, TimerId, TimerQuery, TimerRow};
use prost::Message as _;

use super::actor::Partition;
use super::held::{Bounds, NEVER};
use super::timers::PAGE;
use super::work::KeyHash;
use crate::settings::KeyOrder;
use crate::wire::{Parked, ParkedKind};

/// All that is parked behind others.
const BEHIND: TimerQuery = {
    let last = TimerId { offset: Offset(u64::MAX), attempt: u32::MAX };
    let before = Timestamp::from_millis(NEVER.as_millis() - 1);
    TimerQuery { after: Some((before, last)), until: NEVER, ..PAGE }
};

impl Partition {
    fn bounds(&self) -> Bounds {
        Bounds { fronts: self.settings.max_held_keys, behind: self.settings.max_held }
    }

    /// How many tasks may still be read, as far as keys are held: any of them may come to hold its own.
    pub(super) fn room_to_hold(&mut self) -> usize {
        if self.settings.key_order != KeyOrder::Hold {
            return usize::MAX;
        }
        let used = self.held.len().saturating_add(self.account.records.used());
        let room = if self.held.is_partial() { 0 } else { self.settings.max_held_keys.saturating_sub(used) };
        if room == 0 && self.held.is_new_to_be_full() {
            tracing::warn!(place = ?self.place, "no more is read until fewer keys are held: see max_held_keys");
        }
        room
    }

    /// Learns what earlier owners left.
    pub(super) async fn recall(&mut self) -> Result<(), LogError> {
        self.held.bounded_by(self.bounds());
        self.recall_behind().await?;
        let from = self.tracker.lock().watermark();
        let mut query = PAGE;
        loop {
            let rows = self.shared.timers.list(&self.place, query).await?;
            for row in &rows {
                if !self.tracker.lock().is_known(row.id.offset) {
                    self.twins.note(row, from);
                }
                self.recall_front(row);
            }
            let Some(last) = rows.last() else { break };
            query.after = Some((last.due, last.id));
        }
        self.let_orphans_go();
        Ok(())
    }

    /// The order of the keys is to be held from now on, or no longer. What waits as a timer holds its key from now on, though it did not
    /// while it might be overtaken.
    pub(super) async fn order_changed(&mut self) {
        if self.settings.key_order == KeyOrder::Hold {
            self.held.put_off_rest();
            self.recall_rest().await;
        }
    }

    /// Takes in what there was no room for, once there is.
    pub(super) async fn recall_rest(&mut self) {
        if !self.held.take_rest(self.bounds()) {
            return;
        }
        if let Err(error) = self.find_rest().await {
            tracing::warn!(%error, place = ?self.place, "timers cannot be read");
            return self.held.put_off_rest();
        }
        self.let_orphans_go();
    }

    async fn find_rest(&mut self) -> Result<(), LogError> {
        self.recall_behind().await?;
        let mut query = PAGE;
        loop {
            let rows = self.shared.timers.list(&self.place, query).await?;
            rows.iter().for_each(|row| self.recall_front(row));
            let Some(last) = rows.last() else { return Ok(()) };
            query.after = Some((last.due, last.id));
        }
    }

    async fn recall_behind(&mut self) -> Result<(), LogError> {
        let mut query = BEHIND;
        loop {
            let rows = self.shared.timers.list(&self.place, query).await?;
            for row in &rows {
                if let Some((key, ParkedKind::Behind)) = self.holder(row) {
                    self.held.recall_behind(key, row.id, self.settings.max_held);
                }
            }
            let Some(last) = rows.last() else { return Ok(()) };
            query.after = Some((last.due, last.id));
        }
    }

    /// If the order is not to be held, a front is of interest only to what is behind it.
    fn recall_front(&mut self, row: &TimerRow) {
        let holds = self.settings.key_order == KeyOrder::Hold;
        if (!holds && self.held.is_empty()) || row.due == NEVER {
            return;
        }
        if let Some((key, kind)) = self.holder(row)
            && kind != ParkedKind::Behind
            && (holds || self.held.knows(key))
        {
            self.held.recall_front(key, row, self.settings.max_held_keys);
        }
    }

    /// The key of a timer, and why it waits. None if it holds nothing: it has no key, ended under an earlier assignment, or is fired.
    fn holder(&self, row: &TimerRow) -> Option<(KeyHash, ParkedKind)> {
        if self.book.is_fired(row.version()) {
            return None;
        }
        let parked = Parked::decode(row.payload.clone()).ok()?;
        let key = parked.task().key.as_ref().map(KeyHash::of)?;
        Some((key, parked.kind()))
    }

    fn let_orphans_go(&mut self) {
        for key in self.held.orphans() {
            self.let_next(Some(key), Offset(u64::MAX));
        }
    }
}
