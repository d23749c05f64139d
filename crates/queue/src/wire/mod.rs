//! What a task looks like on the log: Decaton's own format, so that its producers and consumers interoperate.
//!
//! In the *header* format the metadata is the record's header `dt_meta` and the value is the task. In the *request*
//! format, older, the value is a `DecatonTaskRequest` that wraps both. The two cannot be told apart by looking (a
//! task may itself look like a request), so the format is set per topic and never guessed.

mod parked;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{Header, Record};
use prost::Message;

pub use self::parked::is_numbered;
pub(crate) use self::parked::{NUMBERED, Parked, ParkedKind};

/// The header that carries the metadata.
pub const METADATA_HEADER: &str = "dt_meta";

/// The header by which a task that is written to a topic once more says from when on its age counts: milliseconds since the epoch,
/// big-endian, or nothing: from the record on. Metadata of a retry does not tell, once it has the time of the next try, and that of a
/// task that is put back still has the time when it was made.
const BORN_HEADER: &str = "denrei_born";

/// How the tasks of a topic are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The metadata in the header `dt_meta`, the task as the value. A record without the header is a task too: its
    /// metadata is the record's own timestamp.
    #[default]
    Header,
    /// Both in a `DecatonTaskRequest` as the value.
    Request,
}

/// What is known of a task beside its content.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Metadata {
    /// When it was made, in milliseconds since the epoch.
    #[prost(int64, tag = "1")]
    pub timestamp_millis: i64,
    /// Which application made it.
    #[prost(string, tag = "2")]
    pub source_application_id: String,
    /// Which of its instances.
    #[prost(string, tag = "3")]
    pub source_instance_id: String,
    /// How often it was tried before.
    #[prost(int64, tag = "4")]
    pub retry_count: i64,
    /// Not to be run before this time, in milliseconds since the epoch; 0 means at once.
    #[prost(int64, tag = "5")]
    pub scheduled_time_millis: i64,
}

impl Metadata {
    /// When it was made.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        millis(self.timestamp_millis)
    }

    /// Before when it must not run.
    #[must_use]
    pub fn scheduled(&self) -> Timestamp {
        millis(self.scheduled_time_millis)
    }

    /// From when on its age counts: what was told to wait is no older for that.
    pub(crate) fn born(&self) -> Timestamp {
        if self.attempt() == 0 { self.timestamp().max(self.scheduled()) } else { self.timestamp() }
    }

    /// How often it was tried before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.retry_count.max(0)).unwrap_or(u32::MAX)
    }
}

fn millis(raw: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(raw).unwrap_or(0))
}

pub(crate) fn to_millis(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.as_millis()).unwrap_or(i64::MAX)
}

#[derive(Clone, PartialEq, Message)]
struct TaskRequest {
    #[prost(message, optional, tag = "1")]
    metadata: Option<Metadata>,
    #[prost(bytes = "bytes", tag = "2")]
    serialized_task: Bytes,
}

/// A task as it lies on the log: metadata known, content not decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawTask {
    /// The key; tasks of one key run one after the other.
    pub key: Option<Bytes>,
    /// The content.
    pub value: Bytes,
    /// What is known beside it.
    pub metadata: Metadata,
    /// The record's headers, without `dt_meta`.
    pub headers: Vec<Header>,
}

/// A record that is no task in the format of its topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The header is there, and is not metadata.
    #[error("header dt_meta cannot be decoded: {0}")]
    Header(String),
    /// The value is not a request.
    #[error("the value is not a task request: {0}")]
    Request(String),
    /// The request has no metadata.
    #[error("the task request has no metadata")]
    NoMetadata,
}

/// A record that could not be read as a task, and why.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) record: Record,
    pub(crate) error: WireError,
}

impl Metadata {
    fn beside(record: &Record) -> Result<Self, WireError> {
        match record.header(METADATA_HEADER) {
            Some(header) => Self::decode(header.as_ref()).map_err(|e| WireError::Header(e.to_string())),
            None => Ok(Self { timestamp_millis: to_millis(record.timestamp), ..Self::default() }),
        }
    }

    /// With the task that is wrapped with it.
    fn within(record: &Record) -> Result<(Self, Bytes), WireError> {
        let value = record.value.clone().unwrap_or_default();
        let request = TaskRequest::decode(value).map_err(|e| WireError::Request(e.to_string()))?;
        let metadata = request.metadata.ok_or(WireError::NoMetadata)?;
        Ok((metadata, request.serialized_task))
    }
}

impl RawTask {
    /// Reads a record.
    ///
    /// # Errors
    /// If it is no task in this format.
    pub fn read(record: &Record, format: Format) -> Result<Self, WireError> {
        Self::of(record.clone(), format).map_err(|unread| unread.error)
    }

    /// Makes a task of a record, and hands the record back if it is none. Nothing is copied, nor counted anew.
    pub(crate) fn of(record: Record, format: Format) -> Result<Self, Box<Unread>> {
        let metadata = match format {
            Format::Header => Metadata::beside(&record).map(|metadata| (metadata, None)),
            Format::Request => Metadata::within(&record).map(|(metadata, task)| (metadata, Some(task))),
        };
        let (metadata, within) = match metadata {
            Ok(read) => read,
            Err(error) => return Err(Box::new(Unread { record, error })),
        };
        let Record { key, value, mut headers, .. } = record;
        if format == Format::Header {
            headers.retain(|header| header.name != METADATA_HEADER.as_bytes());
        }
        let value = within.or(value).unwrap_or_default();
        Ok(Self { key, value, metadata, headers })
    }

    /// The value and headers of a record that carries this task.
    #[must_use]
    pub fn write(&self, format: Format) -> (Bytes, Vec<Header>) {
        match format {
            Format::Header => {
                let mut headers = self.headers.clone();
                headers.push(Header::new(METADATA_HEADER, Bytes::from(self.metadata.encode_to_vec())));
                (self.value.clone(), headers)
            }
            Format::Request => {
                let request = TaskRequest {
                    metadata: Some(self.metadata.clone()),
                    serialized_task: self.value.clone(),
                };
                (Bytes::from(request.encode_to_vec()), self.headers.clone())
            }
        }
    }

    /// The same for a retry, whose age counts from then on.
    pub(crate) fn write_retry(&self, format: Format, born: Timestamp) -> (Bytes, Vec<Header>) {
        let (value, mut headers) = self.write(format);
        headers.push(Header::new(BORN_HEADER, born.as_millis().to_be_bytes().to_vec()));
        (value, headers)
    }

    /// The same for a task that is put back: its age counts from its new record on.
    pub(crate) fn write_afresh(&self, format: Format) -> (Bytes, Vec<Header>) {
        let (value, mut headers) = self.write(format);
        headers.push(Header::new(BORN_HEADER, Bytes::new()));
        (value, headers)
    }

    /// From when on its age counts, if its record is of this time. The header that says so is not the task's own, and goes.
    pub(crate) fn take_born(&mut self, written: Timestamp) -> Timestamp {
        let at = self.headers.iter().rposition(|header| header.name == BORN_HEADER.as_bytes());
        let Some(value) = at.and_then(|at| self.headers.remove(at).value) else {
            return self.metadata.born();
        };
        match <[u8; 8]>::try_from(value.as_ref()) {
            Ok(told) => Timestamp::from_millis(u64::from_be_bytes(told)),
            Err(_) if value.is_empty() => written,
            Err(_) => self.metadata.born(),
        }
    }

    /// Bytes of a record that carries it: what limits count. In the other format it has a few more.
    pub(crate) fn record_size(&self) -> usize {
        self.size() + METADATA_HEADER.len() + self.metadata.encoded_len()
    }

    /// The header by which a record is younger than its task, left out.
    pub(crate) fn without_born(mut headers: Vec<Header>) -> Vec<Header> {
        headers.pop_if(|header| header.name == BORN_HEADER.as_bytes());
        headers
    }

    /// Bytes of key, value and headers.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|h| h.name.len() + h.value.as_ref().map_or(0, Bytes::len)).sum();
        self.key.as_ref().map_or(0, Bytes::len) + self.value.len() + headers
    }
}
