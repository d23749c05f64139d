//! What the records of a partition of timers say: an index by due time, and records for changes of it.
//!
//! A change may be made on a condition: that the timer still carries what it carried for whoever makes it. Nobody can hold such
//! a record back when somebody else's comes in between, so whoever reads the log decides: a record whose condition is not met changes
//! nothing. The log itself knows of no conditions, and would keep that record alone of its timer once it is compacted. So what holds
//! is written once more behind it; and where a record stands alone, what it replaced is taken to be compacted away.
//!
//! It may have been overruled, if compaction stopped between it and what was written behind it. What stands alone is therefore
//! not sure, and what settles it names all that was overruled: what is not sure gives way to it by that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use bytes::Bytes;
use denrei_model::Timestamp;
use prost::Message;

use crate::log::timers::mark_of;
use crate::log::{
    Header, NewRecord, Offset, Place, Record, TimerChange, TimerId, TimerMark, TimerQuery, TimerRow,
};

/// The header of a change on a condition: what the timer must carry, in short, big-endian.
const REPLACES: &str = "replaces";
/// The header of what settles a timer: what records that count for nothing carry, in short, one after the other.
const OVERRULED: &str = "overruled";

/// The value of a timer's record. Its key is the offset and the attempt, big-endian.
#[derive(Clone, PartialEq, Message)]
struct TimerValue {
    #[prost(uint64, tag = "1")]
    due_ms: u64,
    #[prost(bytes = "bytes", tag = "2")]
    payload: Bytes,
}

/// On what a record counts. One that names what was overruled settles its timer.
#[derive(Debug, Default)]
struct Condition {
    replaces: Option<TimerMark>,
    overruled: Option<BTreeSet<TimerMark>>,
}

impl Condition {
    /// None: the record counts whatever was there.
    fn of(record: &Record) -> Option<Self> {
        let marks = |value: &Bytes| -> BTreeSet<TimerMark> {
            value.as_chunks().0.iter().map(|mark| TimerMark(u64::from_be_bytes(*mark))).collect()
        };
        let replaces = record.header(REPLACES).and_then(|value| marks(value).pop_first());
        let overruled = record.header(OVERRULED).map(marks);
        (replaces.is_some() || overruled.is_some()).then_some(Self { replaces, overruled })
    }

    fn names(&self, overruled: TimerMark) -> bool {
        self.overruled.as_ref().is_some_and(|marks| marks.contains(&overruled))
    }
}

/// How a timer that is not there has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// It was deleted, or ended as what it was.
    Surely,
    /// One that carried this has ended; something else may have been there, and be compacted away.
    Carrying(TimerMark),
}

/// What settles a timer: the last record of it says what holds.
#[derive(Debug, Clone)]
pub(super) struct Settling {
    id: TimerId,
    row: Option<TimerRow>,
    overruled: BTreeSet<TimerMark>,
}

/// The timers of one partition, as tailed so far.
#[derive(Debug, Default)]
pub(super) struct Rows {
    by_due: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
    /// Those by a record that stood alone, and what has come of them since: the record may have counted for nothing.
    unsure: HashSet<TimerId>,
    /// How others have gone, while records are read that were there before: afterwards nothing is taken to stand alone.
    gone: HashMap<TimerId, Gone>,
    /// What records carry that count for nothing, by timer, as far as the log does not tell that yet.
    overruled: BTreeMap<TimerId, BTreeSet<TimerMark>>,
}

impl Rows {
    /// What a record says; `was_there` before it was tailed, and may lack those before it.
    pub(super) fn apply(&mut self, record: &Record, was_there: bool) {
        let Some(id) = record.key.as_ref().and_then(|key| parse_key(key)) else { return };
        let value = record.value.clone().and_then(|value| TimerValue::decode(value).ok());
        let condition = Condition::of(record);
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
        let due = Timestamp::from_millis(value.due_ms);
        self.due.insert(id, due);
        self.by_due.insert((due, id), value.payload);
    }

    /// All that was there before is read.
    pub(super) fn are_complete(&mut self) {
        self.gone = HashMap::new();
    }

    fn is_met(
        &self,
        id: TimerId,
        condition: &Condition,
        value: Option<&TimerValue>,
        was_there: bool,
    ) -> bool {
        if let Some((due, mark)) = self.due_and_mark(id) {
            let is_moved = value.is_some_and(|value| value.due_ms != due.as_millis());
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

/// The record of a change, in this partition of timers.
pub(super) fn record_of(at: &Place, change: TimerChange) -> NewRecord {
    let (id, condition) = (change.id(), change.condition());
    record(at, id, change.into_row(), condition.map(|mark| header(REPLACES, [mark])).into_iter().collect())
}

impl Settling {
    /// Its record, in this partition of timers.
    pub(super) fn record(self, at: &Place) -> NewRecord {
        let replaces = self.row.as_ref().map(|row| header(REPLACES, [row.mark()]));
        let headers = replaces.into_iter().chain([header(OVERRULED, self.overruled)]).collect();
        record(at, self.id, self.row, headers)
    }
}

fn header(name: &'static str, marks: impl IntoIterator<Item = TimerMark>) -> Header {
    Header::new(name, marks.into_iter().flat_map(|mark| mark.0.to_be_bytes()).collect::<Vec<_>>())
}

fn record(at: &Place, id: TimerId, row: Option<TimerRow>, headers: Vec<Header>) -> NewRecord {
    let value = |row: TimerRow| TimerValue { due_ms: row.due.as_millis(), payload: row.payload };
    NewRecord {
        topic: at.topic.clone(),
        partition: Some(at.partition),
        key: Some([&id.offset.0.to_be_bytes()[..], &id.attempt.to_be_bytes()].concat().into()),
        value: row.map(|row| Bytes::from(value(row).encode_to_vec())),
        headers,
        timestamp: None,
    }
}

fn parse_key(key: &[u8]) -> Option<TimerId> {
    let (offset, attempt) = key.split_first_chunk::<8>()?;
    let attempt = u32::from_be_bytes(attempt.try_into().ok()?);
    Some(TimerId { offset: Offset(u64::from_be_bytes(*offset)), attempt })
}

#[cfg(test)]
mod tests;
