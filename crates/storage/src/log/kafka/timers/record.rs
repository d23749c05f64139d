//! What a record of a timer looks like: its key, its value, and on what it counts.

use std::collections::BTreeSet;

use bytes::Bytes;
use denrei_model::Timestamp;
use prost::Message;

use crate::log::timers::mark_of;
use crate::log::{Header, NewRecord, Offset, Place, Record, TimerChange, TimerId, TimerMark, TimerRow};

/// The header of a change on a condition: what the timer must carry, in short, big-endian.
const REPLACES: &str = "replaces";
/// The header of what settles a timer: what records that count for nothing carry, in short, one after the other.
pub(super) const OVERRULED: &str = "overruled";

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
pub(super) struct Condition {
    pub(super) replaces: Option<TimerMark>,
    pub(super) overruled: Option<BTreeSet<TimerMark>>,
}

impl Condition {
    /// None: the record counts whatever was there.
    fn of(record: &Record) -> Option<Self> {
        let replaces = record.header(REPLACES).and_then(|value| marks_of(value).pop_first());
        let overruled = record.header(OVERRULED).map(|value| marks_of(value));
        (replaces.is_some() || overruled.is_some()).then_some(Self { replaces, overruled })
    }

    pub(super) fn names(&self, overruled: TimerMark) -> bool {
        self.overruled.as_ref().is_some_and(|marks| marks.contains(&overruled))
    }
}

/// What one record says of one timer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) id: TimerId,
    /// What waits if the record counts.
    pub(super) row: Option<TimerRow>,
    /// What `row` carries, in short.
    pub(super) mark: Option<TimerMark>,
    pub(super) condition: Option<Condition>,
}

impl Said {
    /// None: it is no record of a timer.
    pub(super) fn by(record: &Record) -> Option<Self> {
        let id = parse_key(record.key.as_ref()?)?;
        let value = record.value.clone().and_then(|value| TimerValue::decode(value).ok());
        let row = |value: TimerValue| TimerRow {
            id,
            due: Timestamp::from_millis(value.due_ms),
            payload: value.payload,
        };
        let row = value.map(row);
        let mark = row.as_ref().map(|row| mark_of(&row.payload));
        Some(Self { id, row, mark, condition: Condition::of(record) })
    }
}

/// What settles a timer: the last record of it says what holds.
#[derive(Debug, Clone)]
pub(super) struct Settling {
    pub(super) id: TimerId,
    pub(super) row: Option<TimerRow>,
    pub(super) overruled: BTreeSet<TimerMark>,
}

impl Settling {
    /// Its record, in this partition of timers.
    pub(super) fn record(self, at: &Place) -> NewRecord {
        let replaces = self.row.as_ref().map(|row| header(REPLACES, [row.mark()]));
        let headers = replaces.into_iter().chain([header(OVERRULED, self.overruled)]).collect();
        record(at, self.id, self.row, headers)
    }
}

/// The record of a change, in this partition of timers.
pub(super) fn record_of(at: &Place, change: TimerChange) -> NewRecord {
    let (id, condition) = (change.id(), change.condition());
    record(at, id, change.into_row(), condition.map(|mark| header(REPLACES, [mark])).into_iter().collect())
}

/// Marks one after the other.
pub(super) fn bytes_of(marks: impl IntoIterator<Item = TimerMark>) -> Vec<u8> {
    marks.into_iter().flat_map(|mark| mark.0.to_be_bytes()).collect()
}

/// What [`bytes_of`] made bytes of.
pub(super) fn marks_of(bytes: &[u8]) -> BTreeSet<TimerMark> {
    bytes.as_chunks().0.iter().map(|mark| TimerMark(u64::from_be_bytes(*mark))).collect()
}

/// The key of a timer's record.
pub(super) fn key_of(id: TimerId) -> [u8; 12] {
    let mut key = [0; 12];
    let (offset, attempt) = key.split_at_mut(8);
    offset.copy_from_slice(&id.offset.0.to_be_bytes());
    attempt.copy_from_slice(&id.attempt.to_be_bytes());
    key
}

/// Whose key this is.
pub(super) fn parse_key(key: &[u8]) -> Option<TimerId> {
    let (offset, attempt) = key.split_first_chunk::<8>()?;
    let attempt = u32::from_be_bytes(attempt.try_into().ok()?);
    Some(TimerId { offset: Offset(u64::from_be_bytes(*offset)), attempt })
}

fn header(name: &'static str, marks: impl IntoIterator<Item = TimerMark>) -> Header {
    Header::new(name, bytes_of(marks))
}

fn record(at: &Place, id: TimerId, row: Option<TimerRow>, headers: Vec<Header>) -> NewRecord {
    let value = |row: TimerRow| TimerValue { due_ms: row.due.as_millis(), payload: row.payload };
    NewRecord {
        topic: at.topic.clone(),
        partition: Some(at.partition),
        key: Some(key_of(id).to_vec().into()),
        value: row.map(|row| Bytes::from(value(row).encode_to_vec())),
        headers,
        timestamp: None,
    }
}
