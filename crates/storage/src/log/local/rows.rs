//! The rows of a local log: their keys, and their values as protobuf, so that a later version can add fields.
//!
//! | space | key | value |
//! |---|---|---|
//! | meta | `t` topic | [`TopicRow`] |
//! | meta | `n` | the next topic id: ids are never used twice |
//! | meta | `c` group `0` topic `0` partition | [`CommitRow`] |
//! | records | topic id, partition, first offset | [`ChunkRow`]: records that became durable together |
//! | timers | `d` group `0` topic id, partition, due, offset, attempt | what the timer carries |
//! | timers | `i` group `0` topic id, partition, offset, attempt | when it is due, and what it carries in short |
//!
//! Numbers in keys are big-endian, so that they sort.

use bytes::{Buf as _, Bytes};
use denrei_model::Timestamp;
use prost::Message;
use prost::encoding::{self, DecodeContext, WireType};

use crate::log::{
    ErrorKind, GroupId, Header, LogError, Offset, Place, Record, TimerId, TimerMark, TopicName,
};

#[derive(Clone, PartialEq, Message)]
pub(super) struct TopicRow {
    #[prost(uint32, tag = "1")]
    pub(super) id: u32,
    #[prost(uint64, optional, tag = "2")]
    pub(super) retention_ms: Option<u64>,
    #[prost(uint64, tag = "3")]
    pub(super) max_record_bytes: u64,
    /// The first offset still there, per partition.
    #[prost(uint64, repeated, tag = "4")]
    pub(super) starts: Vec<u64>,
}

/// The key of the next topic id.
pub(super) const NEXT_TOPIC: &[u8] = b"n";

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommitRow {
    #[prost(uint64, tag = "1")]
    pub(super) offset: u64,
    #[prost(string, tag = "2")]
    pub(super) metadata: String,
    #[prost(uint64, tag = "3")]
    pub(super) epoch: u64,
    #[prost(uint64, tag = "4")]
    pub(super) at_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ChunkRow {
    #[prost(uint64, tag = "1")]
    pub(super) appended_ms: u64,
    #[prost(message, repeated, tag = "2")]
    pub(super) records: Vec<RecordRow>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RecordRow {
    #[prost(uint64, tag = "1")]
    timestamp_ms: u64,
    #[prost(bytes = "bytes", optional, tag = "2")]
    key: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    value: Option<Bytes>,
    #[prost(message, repeated, tag = "4")]
    headers: Vec<HeaderRow>,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderRow {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
    #[prost(bytes = "bytes", optional, tag = "2")]
    value: Option<Bytes>,
}

impl From<&Record> for RecordRow {
    fn from(record: &Record) -> Self {
        let header = |h: &Header| HeaderRow { name: h.name.clone(), value: h.value.clone() };
        Self {
            timestamp_ms: record.timestamp.as_millis(),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.iter().map(header).collect(),
        }
    }
}

impl RecordRow {
    pub(super) fn into_record(self, offset: Offset) -> Record {
        Record {
            offset,
            timestamp: Timestamp::from_millis(self.timestamp_ms),
            key: self.key,
            value: self.value,
            headers: self.headers.into_iter().map(|h| Header { name: h.name, value: h.value }).collect(),
        }
    }
}

pub(super) fn encode(row: &impl Message) -> Bytes {
    Bytes::from(row.encode_to_vec())
}

pub(super) fn decode<M: Message + Default>(bytes: Bytes) -> Result<M, LogError> {
    M::decode(bytes).map_err(|e| LogError::new(ErrorKind::Corrupt, e.to_string()))
}

/// The number of [`ChunkRow::records`] on the wire.
const RECORDS: u32 = 2;

/// Some records of a [`ChunkRow`]. Those before are passed over and those behind are left: a chunk may hold many times what
/// is asked for at once.
pub(super) fn records_of_chunk(
    mut chunk: Bytes,
    mut skip: u64,
    limit: usize,
) -> Result<Vec<RecordRow>, LogError> {
    let corrupt = |e: prost::DecodeError| LogError::new(ErrorKind::Corrupt, e.to_string());
    let mut records = Vec::new();
    while chunk.has_remaining() && records.len() < limit {
        let (tag, wire_type) = encoding::decode_key(&mut chunk).map_err(corrupt)?;
        if tag != RECORDS || wire_type != WireType::LengthDelimited {
            encoding::skip_field(wire_type, tag, &mut chunk, DecodeContext::default()).map_err(corrupt)?;
            continue;
        }
        let length = encoding::decode_varint(&mut chunk).map_err(corrupt)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= chunk.len());
        let length =
            length.ok_or_else(|| LogError::new(ErrorKind::Corrupt, "a chunk ends within a record"))?;
        if skip > 0 {
            skip -= 1;
            chunk.advance(length);
        } else {
            records.push(RecordRow::decode(chunk.split_to(length)).map_err(corrupt)?);
        }
    }
    Ok(records)
}

/// A number at a place in a key.
pub(super) fn number(key: &[u8], at: usize) -> Result<u64, LogError> {
    let bytes = key.get(at..at + 8).and_then(|b| <[u8; 8]>::try_from(b).ok());
    bytes.map(u64::from_be_bytes).ok_or_else(|| LogError::new(ErrorKind::Corrupt, "a key is too short"))
}

/// What lies under the index key of a timer.
pub(super) fn timer_index(due: Timestamp, mark: TimerMark) -> Bytes {
    [due.as_millis().to_be_bytes(), mark.0.to_be_bytes()].concat().into()
}

/// When the timer is due, and its mark; an older version wrote none.
pub(super) fn parse_timer_index(row: &[u8]) -> Result<(Timestamp, Option<TimerMark>), LogError> {
    let mark = row.get(8..16).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    let mark = mark.map(|bytes| TimerMark(u64::from_be_bytes(bytes)));
    Ok((Timestamp::from_millis(number(row, 0)?), mark))
}

pub(super) fn topic_key(topic: &TopicName) -> Vec<u8> {
    [b"t", topic.as_str().as_bytes()].concat()
}

pub(super) fn commit_key(group: &GroupId, place: &Place) -> Vec<u8> {
    let partition = place.partition.0.to_be_bytes();
    let (group, topic) = (group.as_str().as_bytes(), place.topic.as_str().as_bytes());
    [b"c", group, b"\0", topic, b"\0", &partition].concat()
}

/// The group and place of a commit's key.
pub(super) fn parse_commit_key(key: &[u8]) -> Option<(GroupId, Place)> {
    let (names, partition) = key.strip_prefix(b"c")?.split_last_chunk::<4>()?;
    let names = std::str::from_utf8(names).ok()?.strip_suffix('\0')?;
    let (group, topic) = names.split_once('\0')?;
    Some((GroupId::from(group), Place::new(topic, u32::from_be_bytes(*partition))))
}

pub(super) fn chunk_key(topic: u32, partition: u32, base: Offset) -> Vec<u8> {
    [&topic.to_be_bytes()[..], &partition.to_be_bytes(), &base.0.to_be_bytes()].concat()
}

/// The keys of one group's timers of one partition.
#[derive(Debug, Clone)]
pub(super) struct TimerKeys {
    group: GroupId,
    topic: u32,
    partition: u32,
}

impl TimerKeys {
    pub(super) fn new(group: &GroupId, topic: u32, partition: u32) -> Self {
        Self { group: group.clone(), topic, partition }
    }

    fn prefix(&self, kind: u8) -> Vec<u8> {
        let mut key = vec![kind];
        key.extend_from_slice(self.group.as_str().as_bytes());
        key.push(0);
        key.extend_from_slice(&self.topic.to_be_bytes());
        key.extend_from_slice(&self.partition.to_be_bytes());
        key
    }

    pub(super) fn due(&self, due: Timestamp, id: TimerId) -> Vec<u8> {
        let mut key = self.prefix(b'd');
        key.extend_from_slice(&due.as_millis().to_be_bytes());
        key.extend_from_slice(&id.offset.0.to_be_bytes());
        key.extend_from_slice(&id.attempt.to_be_bytes());
        key
    }

    /// From the first that may be due to what lies behind the last due at `until`.
    pub(super) fn due_range(&self, until: Timestamp) -> (Vec<u8>, Vec<u8>) {
        let last = TimerId { offset: Offset(u64::MAX), attempt: u32::MAX };
        let mut end = self.due(until, last);
        end.push(0);
        (self.prefix(b'd'), end)
    }

    pub(super) fn index(&self, id: TimerId) -> Vec<u8> {
        let mut key = self.prefix(b'i');
        key.extend_from_slice(&id.offset.0.to_be_bytes());
        key.extend_from_slice(&id.attempt.to_be_bytes());
        key
    }

    /// The due time and id at the end of a key made by [`TimerKeys::due`].
    pub(super) fn parse_due(&self, key: &[u8]) -> Result<(Timestamp, TimerId), LogError> {
        let at = self.prefix(b'd').len();
        let attempt = key.get(at + 16..at + 20).and_then(|b| <[u8; 4]>::try_from(b).ok()).unwrap_or_default();
        let id = TimerId { offset: Offset(number(key, at + 8)?), attempt: u32::from_be_bytes(attempt) };
        Ok((Timestamp::from_millis(number(key, at)?), id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(records: u8) -> ChunkRow {
        let row = |n| RecordRow {
            timestamp_ms: n,
            key: n.is_multiple_of(2).then(|| Bytes::from(n.to_string())),
            value: Some(Bytes::from(vec![b'v'; usize::try_from(n).unwrap_or_default()])),
            headers: vec![HeaderRow { name: Bytes::from_static(b"h"), value: None }],
        };
        ChunkRow { appended_ms: 7, records: (0..u64::from(records)).map(row).collect() }
    }

    proptest! {
        #[test]
        fn some_records_of_a_chunk_are_those_of_the_whole(
            records in any::<u8>(), skip in 0_u64..300, limit in 0_usize..300
        ) {
            let chunk = chunk(records);
            let some = records_of_chunk(encode(&chunk), skip, limit).unwrap();
            let skip = usize::try_from(skip).unwrap();
            let expected: Vec<_> = chunk.records.into_iter().skip(skip).take(limit).collect();
            prop_assert_eq!(some, expected);
        }
    }

    #[test]
    fn a_chunk_that_was_cut_is_an_error_and_not_a_short_answer() {
        let mut bytes = encode(&chunk(9));
        bytes.truncate(bytes.len() - 3);
        assert_eq!(records_of_chunk(bytes, 3, 99).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn keys_of_commits_and_timers_read_back() {
        let place = Place::new("a.topic", 0x0001_0000);
        let key = commit_key(&GroupId::from("g"), &place);
        assert_eq!(parse_commit_key(&key), Some((GroupId::from("g"), place)));
        let keys = TimerKeys::new(&GroupId::from("g"), 7, 3);
        let (due, id) = (Timestamp::from_millis(99), TimerId { offset: Offset(5), attempt: 2 });
        assert_eq!(keys.parse_due(&keys.due(due, id)).unwrap(), (due, id));
    }
}
