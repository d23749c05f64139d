//! The same index as it is thought of: maps in memory. It has never heard of pages or disks, and judges the one that has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use super::*;
use crate::log::timers::mark_of;

/// How a timer that is not there has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// It was deleted, or ended as what it was.
    Surely,
    /// One that carried this has ended; something else may have been there, and be compacted away.
    Carrying(TimerMark),
}

/// The timers of one partition, as tailed so far.
#[derive(Debug, Default)]
pub(super) struct Model {
    by_due: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
    /// Those by a record that stood alone, and what has come of them since: the record may have counted for nothing.
    unsure: HashSet<TimerId>,
    /// How others have gone, while records are read that were there before: afterwards nothing is taken to stand alone.
    gone: HashMap<TimerId, Gone>,
    /// What records carry that count for nothing, by timer, as far as the log does not tell that yet.
    overruled: BTreeMap<TimerId, BTreeSet<TimerMark>>,
}

impl Model {
    /// What a record says; `was_there` before it was tailed, and may lack those before it.
    pub(super) fn apply(&mut self, record: &Record, was_there: bool) {
        let Some(Said { id, row: value, condition, .. }) = Said::by(record) else { return };
        if let Some(condition) = &condition
            && !self.is_met(id, condition, value.as_ref(), was_there)
        {
            let carries = value.map(|value| mark_of(&value.payload)).or(condition.replaces);
            let named = condition.overruled.iter().flatten().filter(|_| carries.is_none());
            self.overruled.entry(id).or_default().extend(carries.iter().chain(named));
            return;
        }
        self.settled(id, condition.as_ref());
        let is_sure = condition.is_none() || (self.due.contains_key(&id) && !self.unsure.contains(&id));
        if value.is_none() && was_there {
            self.note_gone(id, condition.as_ref(), is_sure);
        }
        self.unsure.remove(&id);
        if let Some(due) = self.due.remove(&id) {
            self.by_due.remove(&(due, id));
        }
        let Some(value) = value else { return };
        self.gone.remove(&id);
        if !is_sure {
            self.unsure.insert(id);
        }
        self.due.insert(id, value.due);
        self.by_due.insert((value.due, id), value.payload);
    }

    fn is_met(&self, id: TimerId, condition: &Condition, value: Option<&TimerRow>, was_there: bool) -> bool {
        if let Some((due, mark)) = self.due_and_mark(id) {
            let is_moved = value.is_some_and(|value| value.due != due);
            // What settles it changes nothing: a move that came in between counts.
            let is_it = condition.replaces == Some(mark) && !(condition.overruled.is_some() && is_moved);
            let gives_way = self.unsure.contains(&id) && condition.names(mark);
            return is_it || gives_way;
        }
        let may_be_alone = match self.gone.get(&id) {
            None => true,
            Some(Gone::Surely) => false,
            Some(Gone::Carrying(mark)) => condition.overruled.is_some() || condition.replaces != Some(*mark),
        };
        value.is_none() || (was_there && may_be_alone)
    }

    /// A record counts: what was overruled before it is settled if it counts whatever was there, or names that.
    fn settled(&mut self, id: TimerId, condition: Option<&Condition>) {
        let Some(condition) = condition else { return drop(self.overruled.remove(&id)) };
        if let Some(named) = &condition.overruled
            && let Some(overruled) = self.overruled.get_mut(&id)
        {
            overruled.retain(|mark| !named.contains(mark));
            if overruled.is_empty() {
                self.overruled.remove(&id);
            }
        }
    }

    fn note_gone(&mut self, id: TimerId, condition: Option<&Condition>, is_sure: bool) {
        if is_sure {
            self.gone.insert(id, Gone::Surely);
        } else if let Some(mark) = condition.and_then(|condition| condition.replaces)
            && self.gone.get(&id) != Some(&Gone::Surely)
        {
            self.gone.insert(id, Gone::Carrying(mark));
        }
    }

    fn due_and_mark(&self, id: TimerId) -> Option<(Timestamp, TimerMark)> {
        let due = *self.due.get(&id)?;
        Some((due, mark_of(self.by_due.get(&(due, id))?)))
    }

    /// What is to be written so that the last record of each timer says what holds.
    pub(super) fn settling(&self) -> Vec<Settling> {
        let settling = |(id, overruled): (&TimerId, &BTreeSet<TimerMark>)| {
            let row = self.due.get(id).and_then(|due| {
                let payload = self.by_due.get(&(*due, *id))?.clone();
                Some(TimerRow { id: *id, due: *due, payload })
            });
            Settling { id: *id, row, overruled: overruled.clone() }
        };
        self.overruled.iter().map(settling).collect()
    }

    pub(super) fn list(&self, query: TimerQuery) -> Vec<TimerRow> {
        let last = (query.until, TimerId { offset: Offset(u64::MAX), attempt: u32::MAX });
        let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        if query.after.is_some_and(|after| after >= last) {
            return Vec::new();
        }
        let range = self.by_due.range((from, Bound::Included(last)));
        let (mut bytes, mut is_first) = (0, true);
        let fits = range.take(query.limit).take_while(|(_, payload)| {
            bytes += payload.len();
            std::mem::take(&mut is_first) || bytes <= query.bytes
        });
        let row = |((due, id), payload): (&(Timestamp, TimerId), &Bytes)| TimerRow {
            id: *id,
            due: *due,
            payload: payload.clone(),
        };
        fits.map(row).collect()
    }
}
