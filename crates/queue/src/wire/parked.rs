//! What a timer carries: a task, why it waits, and what happened to it so far.

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{Header, Offset};
use prost::Message;

use super::{Metadata, RawTask};

/// Offsets from here on name timers that came from no record: no log reaches that far.
pub(crate) const NUMBERED: u64 = 1 << 62;

/// Whether an offset is none of a record, but stands for the number of a timer that came from nowhere.
#[must_use]
pub const fn is_numbered(offset: Offset) -> bool {
    offset.0 >= NUMBERED
}

/// Why a task waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ParkedKind {
    /// It asked to run later.
    Scheduled = 0,
    /// It failed and is tried again.
    Retry = 1,
    /// Its key is over its quota.
    Shaped = 2,
    /// An earlier task of its key waits, and the subscription holds the order.
    Behind = 3,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Parked {
    #[prost(enumeration = "ParkedKind", tag = "1")]
    pub(crate) kind: i32,
    #[prost(bytes = "bytes", optional, tag = "2")]
    key: Option<Bytes>,
    #[prost(bytes = "bytes", tag = "3")]
    value: Bytes,
    #[prost(message, required, tag = "4")]
    pub(crate) metadata: Metadata,
    #[prost(message, repeated, tag = "5")]
    headers: Vec<ParkedHeader>,
    /// What the last attempt said.
    #[prost(string, tag = "6")]
    pub(crate) reason: String,
    /// From when on the age of the task counts, in milliseconds since the epoch; 0: nobody wrote it down.
    #[prost(uint64, tag = "7")]
    born_ms: u64,
    /// Tells this timer from others that carry the same.
    #[prost(fixed64, tag = "8")]
    stamp: u64,
}

#[derive(Clone, PartialEq, Message)]
struct ParkedHeader {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
    #[prost(bytes = "bytes", optional, tag = "2")]
    value: Option<Bytes>,
}

impl Parked {
    pub(crate) fn new(kind: ParkedKind, task: &RawTask, reason: impl Into<String>) -> Self {
        let header = |h: &Header| ParkedHeader { name: h.name.clone(), value: h.value.clone() };
        Self {
            kind: kind.into(),
            key: task.key.clone(),
            value: task.value.clone(),
            metadata: task.metadata.clone(),
            headers: task.headers.iter().map(header).collect(),
            reason: reason.into(),
            born_ms: 0,
            stamp: 0,
        }
    }

    /// Its age counts from then on.
    pub(crate) fn born_at(self, born: Timestamp) -> Self {
        Self { born_ms: born.as_millis(), ..self }
    }

    /// Unlike any that carries another stamp.
    pub(crate) fn stamped(self, stamp: u64) -> Self {
        Self { stamp, ..self }
    }

    /// Whether it carries what the other does, and is not what was put, but what became of it.
    pub(crate) fn is_later_try_of(&self, other: &Self) -> bool {
        self.stamp == 0 && (&self.key, &self.value) == (&other.key, &other.value)
    }

    /// From when on its age counts. While it waits for its own time, it does not grow older.
    pub(crate) fn born(&self, due: Timestamp) -> Timestamp {
        match (self.born_ms, self.kind()) {
            (0, ParkedKind::Scheduled) => self.metadata.born().max(due),
            // An earlier version did not write it down, and the time of its own that the task once had is no longer known.
            (0, ParkedKind::Retry) => due,
            (0, ParkedKind::Shaped | ParkedKind::Behind) => self.metadata.born(),
            (born_ms, ParkedKind::Scheduled) => Timestamp::from_millis(born_ms).max(due),
            (born_ms, _) => Timestamp::from_millis(born_ms),
        }
    }

    pub(crate) fn encode_to_bytes(&self) -> Bytes {
        Bytes::from(self.encode_to_vec())
    }

    pub(crate) fn task(&self) -> RawTask {
        let header = |h: &ParkedHeader| Header { name: h.name.clone(), value: h.value.clone() };
        RawTask {
            key: self.key.clone(),
            value: self.value.clone(),
            metadata: self.metadata.clone(),
            headers: self.headers.iter().map(header).collect(),
        }
    }
}
