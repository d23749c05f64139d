//! What a timer carries: a task, why it waits, and what happened to it so far.

use bytes::Bytes;
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
