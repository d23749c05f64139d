//! What the records of a partition of timers say: an index by due time.
//!
//! A change may be made on a condition: that the timer still carries what it carried for whoever makes it. Nobody can hold such
//! a record back when somebody else's comes in between, so whoever reads the log decides: a record whose condition is not met changes
//! nothing. The log itself knows of no conditions, and would keep that record alone of its timer once it is compacted. So what holds
//! is written once more behind it; and where a record stands alone, what it replaced is taken to be compacted away.
//!
//! It may have been overruled, if compaction stopped between it and what was written behind it. What stands alone is therefore
//! not sure, and what settles it names all that was overruled: what is not sure gives way to it by that.
//!
//! Nothing of it is in memory but how many timers are to be settled. The cells, by the first byte of their keys:
//!
//! ```text
//! d  due, id   what the timer carries
//! i  id        when it is due, and its mark; or how it has gone
//! o  id        marks of what was overruled
//! ```

use std::collections::BTreeSet;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use denrei_model::Timestamp;

use super::cells::{Cells, Change};
use super::record::{Condition, Said, Settling, bytes_of, key_of, marks_of, parse_key};
use crate::log::{ErrorKind, LogError, Offset, Record, TimerId, TimerMark, TimerQuery, TimerRow};

const DUE: u8 = b'd';
const STATE: u8 = b'i';
const OVERRULED: u8 = b'o';
const LAST: TimerId = TimerId { offset: Offset(u64::MAX), attempt: u32::MAX };

/// What is known of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It waits. One that is not sure stands by a record that stood alone, or by what has come of it since: the record may have counted
    /// for nothing.
    Waits { due: Timestamp, mark: TimerMark, is_sure: bool },
    /// It was deleted, or ended as what it was. Known of those alone that went before the records were first read: afterwards nothing
    /// is taken to stand alone.
    Gone,
    /// Likewise; one that carried this has ended, but something else may have been there, and be compacted away.
    GoneCarrying(TimerMark),
}

impl State {
    fn is_sure(self) -> bool {
        matches!(self, Self::Waits { is_sure: true, .. })
    }

    fn encode(self) -> Bytes {
        let (tag, due, mark) = match self {
            Self::Waits { due, mark, is_sure } => (u8::from(is_sure), due.as_millis(), mark.0),
            Self::Gone => (2, 0, 0),
            Self::GoneCarrying(mark) => (3, 0, mark.0),
        };
        [&[tag][..], &due.to_be_bytes(), &mark.to_be_bytes()].concat().into()
    }

    fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        let parts =
            bytes.split_first().and_then(|(tag, rest)| Some((*tag, rest.as_chunks::<8>().0.as_array()?)));
        let Some((tag, [due, mark])) = parts else { return Err(corrupt()) };
        let mark = TimerMark(u64::from_be_bytes(*mark));
        match tag {
            0 | 1 => {
                let due = Timestamp::from_millis(u64::from_be_bytes(*due));
                Ok(Self::Waits { due, mark, is_sure: tag == 1 })
            }
            2 => Ok(Self::Gone),
            3 => Ok(Self::GoneCarrying(mark)),
            _ => Err(corrupt()),
        }
    }
}

/// The timers of one partition, as tailed so far.
#[derive(Debug)]
pub(super) struct Rows<C> {
    cells: C,
    /// How many timers were overruled, as far as the log does not tell that yet.
    unsettled: AtomicUsize,
}

impl<C: Cells> Rows<C> {
    /// In cells that are empty.
    pub(super) fn new(cells: C) -> Self {
        Self { cells, unsettled: AtomicUsize::new(0) }
    }

    pub(super) fn cells(&self) -> &C {
        &self.cells
    }

    /// What a record says; `was_there` before it was tailed, and may lack those before it. By one at a time.
    pub(super) fn apply(&self, record: &Record, was_there: bool) -> Result<(), LogError> {
        let Some(said) = Said::by(record) else { return Ok(()) };
        let state = self.state(said.id)?;
        let overruled = self.overruled(said.id)?;
        let mut changes = Vec::with_capacity(4);
        let mut left = overruled.clone();
        if let Some(condition) = said.condition.as_ref().filter(|c| !is_met(state, c, &said, was_there)) {
            let carries = said.mark.or(condition.replaces);
            let named = condition.overruled.iter().flatten().filter(|_| carries.is_none());
            left.extend(carries.iter().chain(named));
        } else {
            settle(&mut left, said.condition.as_ref());
            let next = next(state, &said, was_there);
            let due = |state| match state {
                Some(State::Waits { due, .. }) => Some(due),
                _ => None,
            };
            let gone = due(state).filter(|was| Some(*was) != due(next));
            changes.extend(gone.map(|due| (due_key(due, said.id), None)));
            if next != state {
                changes.push((key(STATE, said.id), next.map(State::encode)));
            }
            changes.extend(said.row.map(|row| (due_key(row.due, row.id), Some(row.payload))));
        }
        self.write(said.id, changes, &overruled, &left)
    }

    fn write(
        &self,
        id: TimerId,
        mut changes: Vec<Change>,
        was: &BTreeSet<TimerMark>,
        now: &BTreeSet<TimerMark>,
    ) -> Result<(), LogError> {
        if was != now {
            let marks = (!now.is_empty()).then(|| bytes_of(now.iter().copied()).into());
            changes.push((key(OVERRULED, id), marks));
        }
        if !changes.is_empty() {
            self.cells.write(changes)?;
        }
        match (was.is_empty(), now.is_empty()) {
            (true, false) => self.unsettled.fetch_add(1, Ordering::SeqCst),
            (false, true) => self.unsettled.fetch_sub(1, Ordering::SeqCst),
            _ => 0,
        };
        Ok(())
    }

    fn state(&self, id: TimerId) -> Result<Option<State>, LogError> {
        self.cells.get(&key(STATE, id))?.map(|cell| State::decode(&cell)).transpose()
    }

    fn overruled(&self, id: TimerId) -> Result<BTreeSet<TimerMark>, LogError> {
        if !self.is_unsettled() {
            return Ok(BTreeSet::new());
        }
        Ok(self.cells.get(&key(OVERRULED, id))?.map(|marks| marks_of(&marks)).unwrap_or_default())
    }

    /// Whether anything is to be settled; looks at the memory alone.
    pub(super) fn is_unsettled(&self) -> bool {
        self.unsettled.load(Ordering::SeqCst) > 0
    }

    /// What is to be written so that the last record of each timer says what holds: of timers after this one, `limit` at most, and
    /// no more than carry so many bytes, but one at least.
    pub(super) fn settling(
        &self,
        after: Option<TimerId>,
        limit: usize,
        most: usize,
    ) -> Result<Vec<Settling>, LogError> {
        let mut found = Vec::new();
        let from = after.map_or_else(|| vec![OVERRULED], |id| key(OVERRULED, id));
        let to = key(OVERRULED, LAST);
        if from >= to {
            return Ok(Vec::new());
        }
        self.cells.scan(Bound::Excluded(&from), &to, &mut |key, marks| {
            found.extend(key.get(1..).and_then(parse_key).map(|id| (id, marks_of(&marks))));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let (mut bytes, mut settling) = (0, Vec::new());
        for (id, overruled) in found {
            let row = match self.state(id)? {
                Some(State::Waits { due, .. }) => {
                    let payload = self.cells.get(&due_key(due, id))?;
                    // It changed in between; what came is settled when it is next looked for.
                    let Some(payload) = payload else { continue };
                    Some(TimerRow { id, due, payload })
                }
                _ => None,
            };
            bytes += row.as_ref().map_or(0, |row| row.payload.len());
            if bytes > most && !settling.is_empty() {
                break;
            }
            settling.push(Settling { id, row, overruled });
        }
        Ok(settling)
    }

    pub(super) fn list(&self, query: TimerQuery) -> Result<Vec<TimerRow>, LogError> {
        let mut rows = Vec::new();
        let from = query.after.map_or_else(|| vec![DUE], |(due, id)| due_key(due, id));
        let to = due_key(query.until, LAST);
        if from >= to || query.limit == 0 {
            return Ok(rows);
        }
        let (mut bytes, mut is_whole) = (0, true);
        self.cells.scan(Bound::Excluded(&from), &to, &mut |key, payload| {
            let Some((due, id)) = parse_due(key) else {
                is_whole = false;
                return ControlFlow::Break(());
            };
            bytes += payload.len();
            if bytes > query.bytes && !rows.is_empty() {
                return ControlFlow::Break(());
            }
            rows.push(TimerRow { id, due, payload });
            if rows.len() < query.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if is_whole { Ok(rows) } else { Err(corrupt()) }
    }
}

fn is_met(state: Option<State>, condition: &Condition, said: &Said, was_there: bool) -> bool {
    let may_be_alone = match state {
        Some(State::Waits { due, mark, is_sure }) => {
            let is_moved = said.row.as_ref().is_some_and(|row| row.due != due);
            // What settles it changes nothing: a move that came in between counts.
            let is_it = condition.replaces == Some(mark) && !(condition.overruled.is_some() && is_moved);
            let gives_way = !is_sure && condition.names(mark);
            return is_it || gives_way;
        }
        None => true,
        Some(State::Gone) => false,
        Some(State::GoneCarrying(mark)) => condition.overruled.is_some() || condition.replaces != Some(mark),
    };
    said.row.is_none() || (was_there && may_be_alone)
}

/// What is known of a timer once a record counts.
fn next(state: Option<State>, said: &Said, was_there: bool) -> Option<State> {
    let is_sure = said.condition.is_none() || state.is_some_and(State::is_sure);
    if let Some((row, mark)) = said.row.as_ref().zip(said.mark) {
        return Some(State::Waits { due: row.due, mark, is_sure });
    }
    let known = state.filter(|state| !matches!(state, State::Waits { .. }));
    let carried = said.condition.as_ref().and_then(|condition| condition.replaces);
    match (was_there, is_sure, carried, known) {
        (true, true, _, _) | (true, false, Some(_), Some(State::Gone)) => Some(State::Gone),
        (true, false, Some(mark), _) => Some(State::GoneCarrying(mark)),
        (true, false, None, known) | (false, _, _, known) => known,
    }
}

/// A record counts: what was overruled before it is settled if it counts whatever was there, or names that.
fn settle(overruled: &mut BTreeSet<TimerMark>, condition: Option<&Condition>) {
    match condition {
        None => overruled.clear(),
        Some(condition) => overruled.retain(|mark| !condition.names(*mark)),
    }
}

fn key(kind: u8, id: TimerId) -> Vec<u8> {
    [&[kind][..], &key_of(id)].concat()
}

fn due_key(due: Timestamp, id: TimerId) -> Vec<u8> {
    [&[DUE][..], &due.as_millis().to_be_bytes(), &key_of(id)].concat()
}

fn parse_due(key: &[u8]) -> Option<(Timestamp, TimerId)> {
    let (due, id) = key.get(1..)?.split_first_chunk::<8>()?;
    Some((Timestamp::from_millis(u64::from_be_bytes(*due)), parse_key(id)?))
}

fn corrupt() -> LogError {
    LogError::new(ErrorKind::Corrupt, "the index of timers does not hold what was written to it")
}

#[cfg(test)]
mod tests;
