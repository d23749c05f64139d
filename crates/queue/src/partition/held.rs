//! Keys that are held: a task of theirs waits for another try or for its time, and no later one may pass it.
//!
//! The later ones are parked behind it, as durably as it is, under a due time that never comes. When it has ended, the next
//! one behind it takes its place. What becomes of a task is decided only when no other of its key is queued or runs: any of those may yet
//! come to wait. What does not fit the bound stays in memory, which stops the reading of the partition.
//!
//! Fronts and those behind them are both bounded by count. Of what earlier owners left, no more is taken in than there is room for,
//! and nothing is read until the rest is taken in as well.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use denrei_model::Timestamp;
use denrei_storage::log::{Offset, TimerId, TimerMark, TimerQuery, TimerRow};
use prost::Message as _;

use super::timers::TimerBook;
use super::work::{KeyHash, KeyMap, Work};
use crate::wire::{Parked, is_numbered};

/// The due time of what is parked behind another: far enough never to come, with room above it.
pub(crate) const NEVER: Timestamp = Timestamp::from_millis(u64::MAX / 2);

/// One key that is held.
#[derive(Debug, Default)]
struct Key {
    /// Timers and tasks in flight that hold the key: one, but for what an earlier owner left.
    fronts: BTreeSet<Offset>,
    /// There are more of them than are known.
    has_more_fronts: bool,
    behind: BTreeSet<TimerId>,
}

impl Key {
    fn has_others_than(&self, front: Offset) -> bool {
        !self.fronts.is_empty() && !self.fronts.contains(&front)
    }
}

/// A front that waits for its time.
#[derive(Debug)]
struct Waiting {
    key: KeyHash,
    mark: TimerMark,
    /// As far as is known: it may be moved.
    due: Timestamp,
}

impl Waiting {
    /// A timer is there under its id. False: it is of another key, and so this front is gone.
    fn is_there(&mut self, row: &TimerRow) -> bool {
        // Only under a number is anything put in the place of another.
        if is_numbered(row.id.offset) && row.mark() != self.mark {
            let parked = Parked::decode(row.payload.clone()).ok();
            if parked.and_then(|parked| parked.task().key).map(|key| KeyHash::of(&key)) != Some(self.key) {
                return false;
            }
            self.mark = row.mark();
        }
        self.due = row.due;
        true
    }
}

/// The keys of a partition that are held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    keys: KeyMap<Key>,
    /// Fronts that are durable as timers and not fired: until then nobody but an administrator can end them.
    waiting: BTreeMap<TimerId, Waiting>,
    /// How far was looked for those beyond the window of the timers that come next.
    looked: Option<(Timestamp, TimerId)>,
    parked: usize,
    overflow: VecDeque<Work>,
    /// Timers of earlier owners for which there was no room.
    left_out: LeftOut,
    /// As they were when somebody last asked for what was left out.
    bounds: Option<Bounds>,
    /// How often it was asked since then whether it is time, while there was room for a front.
    looks: u32,
    /// It was said that the bound is reached.
    was_told: bool,
}

/// Fronts that were left out are looked for after so many looks, of a second each, if there is room for one: they may be gone, and
/// nothing is read until that is known.
const MOST_LOOKS: u32 = 600;

/// What was left out of the timers that were found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct LeftOut {
    fronts: bool,
    behind: bool,
    /// A key waits for what was left out.
    is_wanted: bool,
}

/// How much may be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Fronts.
    pub(crate) fronts: usize,
    /// Tasks behind them.
    pub(crate) behind: usize,
}

/// What is to be done with the next task of a key whose front has ended.
#[derive(Debug)]
pub(crate) enum Next {
    /// The key is free.
    Nothing,
    /// This one is parked, and comes next.
    Parked(TimerId),
    /// This one never found a place to be parked, and comes next.
    Kept(Box<Work>),
}

/// How to find one that is parked behind.
pub(crate) fn query(id: TimerId) -> TimerQuery {
    let before = match (id.attempt.checked_sub(1), id.offset.0.checked_sub(1)) {
        (Some(attempt), _) => (NEVER, TimerId { attempt, ..id }),
        (None, Some(offset)) => (NEVER, TimerId { offset: Offset(offset), attempt: u32::MAX }),
        (None, None) => {
            let last = TimerId { offset: Offset(u64::MAX), attempt: u32::MAX };
            (Timestamp::from_millis(NEVER.as_millis() - 1), last)
        }
    };
    TimerQuery { after: Some(before), until: NEVER, ..TimerQuery::first(1) }
}

impl Held {
    /// Whether any key is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a task may not run now, since an earlier one of its key waits.
    pub(crate) fn holds_back(&self, key: KeyHash, offset: Offset) -> bool {
        self.keys.get(&key).is_some_and(|held| !held.fronts.contains(&offset))
    }

    /// A task of this key waits, or runs on behalf of the key: it holds it.
    pub(crate) fn hold(&mut self, key: KeyHash, offset: Offset) {
        self.keys.entry(key).or_default().fronts.insert(offset);
    }

    /// Takes a place behind the front. `None`: there is none left.
    pub(crate) fn park(&mut self, key: KeyHash, id: TimerId, bound: usize) -> Option<()> {
        let crowded = self.overflow.iter().any(|work| work.key == Some(key));
        if self.parked >= bound || crowded {
            return None;
        }
        self.put_behind(key, id);
        Some(())
    }

    /// Takes a place behind the front, whatever the bound: for what is there as a timer already.
    pub(crate) fn put_behind(&mut self, key: KeyHash, id: TimerId) {
        if self.keys.entry(key).or_default().behind.insert(id) {
            self.parked += 1;
        }
    }

    /// One that an earlier owner parked, in the order of the log. Beyond the bound it is left out, with all that follow.
    pub(crate) fn recall_behind(&mut self, key: KeyHash, id: TimerId, bound: usize) {
        // It may be on its way to the front already.
        if self.keys.get(&key).is_some_and(|held| held.fronts.contains(&id.offset)) {
            return;
        }
        if self.parked >= bound {
            self.left_out.behind = true;
        } else {
            self.put_behind(key, id);
        }
    }

    /// A front that an earlier owner left. Beyond the bound it is left out, unless it is the only one that is known of a key that has
    /// something behind it.
    pub(crate) fn recall_front(&mut self, key: KeyHash, row: &TimerRow, bound: usize) {
        let is_full = self.len() >= bound;
        match self.keys.get_mut(&key) {
            Some(held) if is_full && held.has_others_than(row.id.offset) => held.has_more_fronts = true,
            None if is_full => {}
            _ => {
                self.hold(key, row.id.offset);
                return self.waits(key, row);
            }
        }
        self.left_out.fronts = true;
    }

    /// Whether something of this key is held.
    pub(crate) fn knows(&self, key: KeyHash) -> bool {
        self.keys.contains_key(&key)
    }

    /// Fronts, more or less: what the bound of them counts.
    pub(crate) fn len(&self) -> usize {
        self.keys.len().max(self.waiting.len())
    }

    /// Whether nobody was told yet that the bound is reached.
    pub(crate) fn is_new_to_be_full(&mut self) -> bool {
        !std::mem::replace(&mut self.was_told, true)
    }

    /// Whether timers of earlier owners were left out.
    pub(crate) fn is_partial(&self) -> bool {
        self.left_out != LeftOut::default()
    }

    /// So much is to be known at most of what is looked for now.
    pub(crate) fn bounded_by(&mut self, bounds: Bounds) {
        self.bounds = Some(bounds);
    }

    /// Whether those that were left out are to be looked for now: half of the room is free again, or some of it for ten minutes; there may be
    /// more room than before; or a key waits for them.
    pub(crate) fn take_rest(&mut self, bounds: Bounds) -> bool {
        let before = self.bounds.replace(bounds).unwrap_or(bounds);
        self.looks += u32::from(self.left_out.fronts && self.len() < bounds.fronts);
        let is_time = self.left_out.is_wanted
            || (self.left_out.fronts && bounds.fronts > before.fronts)
            || (self.left_out.behind && bounds.behind > before.behind)
            || self.looks >= MOST_LOOKS
            || (self.left_out.fronts && self.len() <= bounds.fronts / 2)
            || (self.left_out.behind && self.parked <= bounds.behind / 2);
        if is_time {
            (self.left_out, self.looks) = (LeftOut::default(), 0);
            self.keys.values_mut().for_each(|key| key.has_more_fronts = false);
        }
        is_time
    }

    /// They could not all be looked for, and are to be: until then nothing passes those that may be there.
    pub(crate) fn put_off_rest(&mut self) {
        self.left_out = LeftOut { fronts: true, behind: true, is_wanted: true };
        self.keys.values_mut().for_each(|key| key.has_more_fronts = true);
    }

    /// Keeps what found no place.
    pub(crate) fn keep(&mut self, work: Work) {
        self.overflow.push_back(work);
    }

    /// The task of this offset has ended. What comes next holds the key in its place.
    pub(crate) fn ended(&mut self, key: KeyHash, offset: Offset) -> Next {
        let Some(held) = self.keys.get_mut(&key) else { return Next::Nothing };
        held.fronts.remove(&offset);
        if !held.fronts.is_empty() {
            return Next::Nothing;
        }
        if held.has_more_fronts && !held.behind.is_empty() {
            self.left_out.is_wanted = true;
            return Next::Nothing;
        }
        let kept = self.overflow.iter().position(|work| work.key == Some(key));
        // What is put under a number, and had a row already, may have been parked after what is kept was read.
        let is_first = |work: &Work| held.behind.first().is_none_or(|id| work.origin.offset() < id.offset);
        let kept = kept.filter(|at| self.overflow.get(*at).is_some_and(is_first));
        if kept.is_none()
            && let Some(id) = held.behind.pop_first()
        {
            self.parked -= 1;
            held.fronts.insert(id.offset);
            return Next::Parked(id);
        }
        if let Some(work) = kept.and_then(|at| self.overflow.remove(at)) {
            held.fronts.insert(work.origin.offset());
            return Next::Kept(Box::new(work));
        }
        self.keys.remove(&key);
        Next::Nothing
    }

    /// The timer of a front is durable.
    pub(crate) fn waits(&mut self, key: KeyHash, row: &TimerRow) {
        if self.keys.get(&key).is_some_and(|held| held.fronts.contains(&row.id.offset)) {
            self.waiting.insert(row.id, Waiting { key, mark: row.mark(), due: row.due });
        }
    }

    /// The timer of a front is durable, and more fronts are known than there is room for: it is left out, if that is all there is of its
    /// key. Nothing is read until it was looked for, so nothing passes it.
    pub(crate) fn leave_out(&mut self, key: KeyHash, front: Offset, bound: usize) -> bool {
        let is_all = |held: &Key| held.behind.is_empty() && held.fronts.iter().eq([&front]);
        let leaves = self.len() > bound
            && self.keys.get(&key).is_some_and(is_all)
            && !self.overflow.iter().any(|work| work.key == Some(key));
        if leaves {
            self.keys.remove(&key);
            self.left_out.fronts = true;
        }
        leaves
    }

    /// The timer was fired: its task ends like any other. The key that it holds, if it does.
    pub(crate) fn fired(&mut self, id: TimerId) -> Option<KeyHash> {
        self.waiting.remove(&id).map(|waiting| waiting.key)
    }

    /// Fronts that should be among the timers that were just read, and are not: they are gone, or were moved beyond those.
    pub(crate) fn missing(&mut self, book: &TimerBook) -> BTreeSet<TimerId> {
        let mut missing = BTreeSet::new();
        for (id, waiting) in &mut self.waiting {
            let is_missing = match book.row_of(*id) {
                Some(row) => !waiting.is_there(&row),
                None => book.reaches(waiting.due),
            };
            if is_missing {
                missing.insert(*id);
            }
        }
        missing
    }

    /// From where on to look next for fronts that wait beyond this time; none: there are none.
    pub(crate) fn look_from(&self, horizon: Timestamp) -> Option<(Timestamp, TimerId)> {
        let least = (horizon, TimerId { offset: Offset(0), attempt: 0 });
        let is_beyond = |waiting: &Waiting| waiting.due >= horizon;
        self.waiting.values().any(is_beyond).then(|| self.looked.map_or(least, |looked| looked.max(least)))
    }

    /// Fronts that should be among these timers, which are all that come next from there on, and are not.
    pub(crate) fn missing_among(
        &mut self,
        from: (Timestamp, TimerId),
        rows: &[TimerRow],
    ) -> BTreeSet<TimerId> {
        self.looked = rows.last().map(|row| (row.due, row.id));
        let is_there = |row: &&TimerRow| self.waiting.get_mut(&row.id).is_none_or(|one| one.is_there(row));
        let there: BTreeSet<TimerId> = rows.iter().filter(is_there).map(|row| row.id).collect();
        let until = self.looked.unwrap_or((Timestamp::from_millis(u64::MAX), from.1));
        let is_missing = |(id, waiting): &(&TimerId, &Waiting)| {
            let at = (waiting.due, **id);
            from < at && at <= until && !there.contains(id)
        };
        self.waiting.iter().filter(is_missing).map(|(id, _)| *id).collect()
    }

    /// Whether this timer is one that was missing, and waits for another time.
    pub(crate) fn is_front(&mut self, row: &TimerRow) -> bool {
        self.waiting.get_mut(&row.id).is_some_and(|waiting| waiting.is_there(row))
    }

    /// One that was missing is gone. Its key, if that has lost this front by it.
    pub(crate) fn gone(&mut self, id: TimerId) -> Option<KeyHash> {
        let key = self.waiting.remove(&id)?.key;
        let of_offset = TimerId { attempt: 0, ..id }..=TimerId { attempt: u32::MAX, ..id };
        self.waiting.range(of_offset).next().is_none().then_some(key)
    }

    /// Keys that have something behind and nothing in front: their earlier owner fell between two writes.
    pub(crate) fn orphans(&self) -> Vec<KeyHash> {
        let is_orphan = |key: &Key| key.fronts.is_empty() && !key.has_more_fronts;
        self.keys.iter().filter(|(_, key)| is_orphan(key)).map(|(hash, _)| *hash).collect()
    }
}

#[cfg(test)]
mod tests;
