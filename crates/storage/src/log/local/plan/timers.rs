//! Timers of a group of jobs: each change sees those before it.

use denrei_model::Timestamp;

use super::Plan;
use crate::log::local::kv::{Op, Space};
use crate::log::local::rows::{self, TimerKeys};
use crate::log::timers::mark_of;
use crate::log::{ErrorKind, GroupId, LogError, Place, TimerChange, TimerId, TimerMark};

impl Plan<'_> {
    pub(super) fn timers(
        &mut self,
        group: &GroupId,
        place: &Place,
        changes: Vec<TimerChange>,
    ) -> Result<(), LogError> {
        let topic = self.topic(&place.topic)?.id;
        let keys = TimerKeys::new(group, topic, place.partition.0);
        for change in changes {
            let (id, condition) = (change.id(), change.condition());
            let known = self.timer(&keys, id)?;
            if condition.is_some_and(|mark| known.is_none_or(|(_, now)| now != mark)) {
                continue;
            }
            let index = keys.index(id);
            if let Some((due, _)) = known {
                self.ops.push(Op::Delete(Space::Timers, keys.due(due, id)));
                self.ops.push(Op::Delete(Space::Timers, index.clone()));
                self.timers.insert(index.clone(), None);
            }
            if let Some(row) = change.into_row() {
                let mark = row.mark();
                self.ops.push(Op::Put(Space::Timers, index.clone(), rows::timer_index(row.due, mark)));
                self.ops.push(Op::Put(Space::Timers, keys.due(row.due, id), row.payload));
                self.timers.insert(index, Some((row.due, mark)));
            }
        }
        Ok(())
    }

    /// A timer, in this group's eyes.
    fn timer(&self, keys: &TimerKeys, id: TimerId) -> Result<Option<(Timestamp, TimerMark)>, LogError> {
        let index = keys.index(id);
        if let Some(known) = self.timers.get(&index) {
            return Ok(*known);
        }
        let Some(row) = self.engine.kv.get(Space::Timers, &index)? else { return Ok(None) };
        let (due, mark) = rows::parse_timer_index(&row)?;
        if let Some(mark) = mark {
            return Ok(Some((due, mark)));
        }
        let payload = self.engine.kv.get(Space::Timers, &keys.due(due, id))?;
        let payload = payload.ok_or_else(|| LogError::new(ErrorKind::Corrupt, "a timer has no content"))?;
        Ok(Some((due, mark_of(&payload))))
    }
}
