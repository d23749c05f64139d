//! What the records of a partition of timers say: an index by due time, and records for changes of it.
//!
//! A change may be made on a condition: that the timer still carries what it carried for whoever makes it. Nobody can hold such
//! a record back when somebody else's comes in between, so whoever reads the log decides: a record whose condition is not met changes
//! nothing. The log itself knows of no conditions, and would keep that record alone of its timer once it is compacted. So what it
//! overruled is written once more behind it; and where a record stands alone, what it replaced is taken to be compacted away.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use denrei_model::Timestamp;
use prost::Message;

use crate::log::timers::mark_of;
use crate::log::{
    Header, NewRecord, Offset, Place, Record, TimerChange, TimerId, TimerMark, TimerQuery, TimerRow,
    TimerVersion,
};

/// The header of a change on a condition: what the timer must carry, in short, big-endian.
const REPLACES: &str = "replaces";

/// The value of a timer's record. Its key is the offset and the attempt, big-endian.
#[derive(Clone, PartialEq, Message)]
struct TimerValue {
    #[prost(uint64, tag = "1")]
    due_ms: u64,
    #[prost(bytes = "bytes", tag = "2")]
    payload: Bytes,
}

/// The timers of one partition, as tailed so far.
#[derive(Debug, Default)]
pub(super) struct Rows {
    by_due: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
    /// Timers of which the last record counts for nothing, and what that record carries.
    overruled: BTreeMap<TimerId, TimerMark>,
}

impl Rows {
    /// What a record says; `was_there` before it was tailed, and may lack those before it.
    pub(super) fn apply(&mut self, record: &Record, was_there: bool) {
        let Some(id) = record.key.as_ref().and_then(|key| parse_key(key)) else { return };
        let value = record.value.clone().and_then(|value| TimerValue::decode(value).ok());
        if let Some(expected) = condition(record) {
            let may_be_alone = was_there || value.is_none();
            if self.mark(id).map_or(!may_be_alone, |mark| mark != expected) {
                let carries = value.map_or(expected, |value| mark_of(&value.payload));
                self.overruled.insert(id, carries);
                return;
            }
        }
        self.overruled.remove(&id);
        if let Some(due) = self.due.remove(&id) {
            self.by_due.remove(&(due, id));
        }
        let Some(value) = value else { return };
        let due = Timestamp::from_millis(value.due_ms);
        self.due.insert(id, due);
        self.by_due.insert((due, id), value.payload);
    }

    fn mark(&self, id: TimerId) -> Option<TimerMark> {
        let due = self.due.get(&id)?;
        self.by_due.get(&(*due, id)).map(mark_of)
    }

    /// What is to be written so that the last record of each timer says what holds.
    pub(super) fn settling(&self) -> Vec<TimerChange> {
        let change = |(id, carries): (&TimerId, &TimerMark)| {
            let row = self.due.get(id).and_then(|due| {
                let payload = self.by_due.get(&(*due, *id))?.clone();
                Some(TimerRow { id: *id, due: *due, payload })
            });
            match row {
                Some(row) => TimerChange::Replace(row.mark(), row),
                None => TimerChange::End(TimerVersion { id: *id, mark: *carries }),
            }
        };
        self.overruled.iter().map(change).collect()
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
    let value = |row: TimerRow| TimerValue { due_ms: row.due.as_millis(), payload: row.payload };
    let value = change.into_row().map(|row| Bytes::from(value(row).encode_to_vec()));
    let header = |mark: TimerMark| Header::new(REPLACES, mark.0.to_be_bytes().to_vec());
    NewRecord {
        topic: at.topic.clone(),
        partition: Some(at.partition),
        key: Some([&id.offset.0.to_be_bytes()[..], &id.attempt.to_be_bytes()].concat().into()),
        value,
        headers: condition.map(header).into_iter().collect(),
        timestamp: None,
    }
}

fn parse_key(key: &[u8]) -> Option<TimerId> {
    let (offset, attempt) = key.split_first_chunk::<8>()?;
    let attempt = u32::from_be_bytes(attempt.try_into().ok()?);
    Some(TimerId { offset: Offset(u64::from_be_bytes(*offset)), attempt })
}

fn condition(record: &Record) -> Option<TimerMark> {
    let mark = <[u8; 8]>::try_from(record.header(REPLACES)?.as_ref()).ok()?;
    Some(TimerMark(u64::from_be_bytes(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TimerId = TimerId { offset: Offset(7), attempt: 0 };

    fn row(due: u64, carries: &'static str) -> TimerRow {
        TimerRow { id: ID, due: Timestamp::from_millis(due), payload: carries.into() }
    }

    /// The records that these changes leave in a log.
    fn log(changes: Vec<TimerChange>) -> Vec<Record> {
        let records = changes.into_iter().map(|change| record_of(&Place::new("t", 0), change));
        let record = |(offset, new): (u64, NewRecord)| Record {
            offset: Offset(offset),
            timestamp: Timestamp::from_millis(0),
            key: new.key,
            value: new.value,
            headers: new.headers,
        };
        (0..).zip(records).map(record).collect()
    }

    /// What is there for somebody who was there when the changes came, once all is settled; and the same for the one who reads
    /// what compaction leaves.
    fn check(changes: Vec<TimerChange>, expect: &[TimerRow]) {
        let mut rows = Rows::default();
        log(changes.clone()).iter().for_each(|record| rows.apply(record, false));
        assert_eq!(rows.list(TimerQuery::first(9)), expect, "tailed");
        let settling = rows.settling();
        let all = log(changes.into_iter().chain(settling.clone()).collect());
        log(settling).iter().for_each(|record| rows.apply(record, false));
        assert_eq!(
            (rows.list(TimerQuery::first(9)), rows.settling()),
            (expect.to_vec(), Vec::new()),
            "settled"
        );
        for (from, what) in [(0, "read again"), (all.len() - 1, "compacted")] {
            let mut again = Rows::default();
            all[from..].iter().for_each(|record| again.apply(record, true));
            assert_eq!(again.list(TimerQuery::first(9)), expect, "{what}");
        }
    }

    #[test]
    fn a_change_on_a_condition_is_made_if_nothing_came_in_between() {
        let (put, retry) = (row(5, "put"), row(9, "tried"));
        let replace = TimerChange::Replace(put.mark(), retry.clone());
        check(vec![TimerChange::Put(put.clone()), replace], &[retry]);
        check(vec![TimerChange::Put(put.clone()), TimerChange::End(put.version())], &[]);
    }

    #[test]
    fn what_was_put_in_between_outlives_the_end_and_the_next_try_of_what_was_there() {
        let (put, again) = (row(5, "put"), row(5, "put again"));
        let both = [TimerChange::Put(put.clone()), TimerChange::Put(again.clone())];
        for late in [TimerChange::End(put.version()), TimerChange::Replace(put.mark(), row(9, "tried"))] {
            check([&both[..], &[late]].concat(), std::slice::from_ref(&again));
        }
    }

    #[test]
    fn what_has_ended_is_not_brought_back_by_a_change_that_comes_late() {
        let put = row(5, "put");
        for end in [TimerChange::End(put.version()), TimerChange::Delete(ID)] {
            let late = TimerChange::Replace(put.mark(), row(9, "put"));
            check(vec![TimerChange::Put(put.clone()), end, late], &[]);
        }
    }

    #[test]
    fn a_timer_that_was_moved_ends_with_the_task_that_it_had_fired() {
        let (put, moved) = (row(5, "put"), row(9, "put"));
        let changes = vec![TimerChange::Put(put.clone()), TimerChange::Replace(put.mark(), moved)];
        check([changes, vec![TimerChange::End(put.version())]].concat(), &[]);
    }
}
