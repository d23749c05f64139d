//! The records of one partition of a member, taken from librdkafka's queue and made our own.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use tokio::sync::Notify;

use super::error::foreign;
use super::rebalance::{Rebalances, millis};
use crate::log::{ErrorKind, Header, LogError, Offset, Record, Records, Room};

/// Memory for the bytes of records is taken in pieces of this size. A record that is kept keeps its piece: a page at most.
const PIECE: usize = 4 << 10;
/// What is larger has memory of its own.
const LARGE: usize = PIECE / 4;

/// So many records are taken at once, if not fewer are wanted: more would be cold again before they are run.
const AT_ONCE: usize = 64;

/// What librdkafka has fetched of one partition. The member closes it when the partition is no longer its own.
pub(super) struct Fetched {
    queue: Mutex<Option<Queue>>,
    /// Something came, or it was closed.
    wake: Arc<Notify>,
}

struct Queue {
    foreign: PartitionQueue<Rebalances>,
    /// The offset that is handed out next: anything before it was seen already.
    next: Offset,
    /// It was taken when there was no room for it, and comes first.
    ahead: Option<Record>,
    copies: Copies,
}

impl Fetched {
    pub(super) fn new(mut foreign: PartitionQueue<Rebalances>, next: Offset) -> Arc<Self> {
        let wake = Arc::new(Notify::new());
        let bell = Arc::clone(&wake);
        foreign.set_nonempty_callback(move || bell.notify_one());
        let queue = Queue { foreign, next, ahead: None, copies: Copies::default() };
        Arc::new(Self { queue: Mutex::new(Some(queue)), wake })
    }

    pub(super) fn close(&self) {
        drop(self.queue.lock().take());
        self.wake.notify_one();
    }

    /// None: nothing is there.
    fn take(&self, most: usize, room: Room<'_>) -> Result<Option<Vec<Record>>, LogError> {
        match &mut *self.queue.lock() {
            Some(queue) => queue.take(most, room),
            None => Err(LogError::new(ErrorKind::NotOwner, "the partition was given away")),
        }
    }
}

impl Queue {
    fn take(&mut self, most: usize, room: Room<'_>) -> Result<Option<Vec<Record>>, LogError> {
        let first = match self.ahead.take() {
            Some(record) => record,
            None => match self.poll()? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        let bytes = room();
        if bytes == 0 {
            self.ahead = Some(first);
            return Ok(Some(Vec::new()));
        }
        let (most, mut left) = (most.min(AT_ONCE), bytes.saturating_sub(first.weight()));
        let mut records = Vec::with_capacity(most);
        records.push(first);
        while records.len() < most {
            match self.poll() {
                Ok(Some(record)) if record.weight() <= left => {
                    left -= record.weight();
                    records.push(record);
                }
                Ok(ahead) => {
                    self.ahead = ahead;
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "while reading a partition");
                    break;
                }
            }
        }
        Ok(Some(records))
    }

    /// The next record that was not seen yet, if it is there.
    fn poll(&mut self) -> Result<Option<Record>, LogError> {
        loop {
            match self.foreign.poll(Duration::ZERO) {
                None => return Ok(None),
                Some(Ok(message)) => {
                    let offset = offset_of(&message);
                    if offset >= self.next {
                        self.next = offset.next();
                        return Ok(Some(self.copies.record(&message)));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => return Err(foreign(&error)),
            }
        }
    }
}

pub(super) struct KafkaRecords(Arc<Fetched>);

impl KafkaRecords {
    pub(super) fn new(fetched: Arc<Fetched>) -> Self {
        Self(fetched)
    }

    async fn read(&self, most: usize, room: Room<'_>) -> Result<Vec<Record>, LogError> {
        loop {
            if let Some(records) = self.0.take(most, room)? {
                return Ok(records);
            }
            self.0.wake.notified().await;
        }
    }
}

impl Records for KafkaRecords {
    fn next<'a>(&'a mut self, most: usize, room: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        self.read(most.max(1), room).boxed()
    }
}

/// Makes records of our own out of librdkafka's: many share one piece of memory, and the name of a header that all have is kept
/// once.
#[derive(Default)]
struct Copies {
    piece: BytesMut,
    name: Bytes,
}

/// A record that shares its memory with no other, for those that may be kept for long.
pub(super) fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers();
    let of_headers = headers.map_or(0, |all| all.iter().map(|h| h.value.map_or(0, <[u8]>::len)).sum());
    let size = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len) + of_headers;
    Copies { piece: BytesMut::with_capacity(size.min(3 * LARGE)), name: Bytes::new() }.record(message)
}

impl Copies {
    fn record(&mut self, message: &BorrowedMessage<'_>) -> Record {
        let key = message.key().map(|key| self.keep(key));
        let value = message.payload().map(|value| self.keep(value));
        let mut headers = Vec::new();
        if let Some(all) = message.headers() {
            headers.reserve_exact(all.count());
            headers.extend(all.iter().map(|header| self.header(&header)));
        }
        Record { offset: offset_of(message), timestamp: millis(message.timestamp()), key, value, headers }
    }

    fn header(&mut self, header: &rdkafka::message::Header<'_, &[u8]>) -> Header {
        if self.name != header.key.as_bytes() {
            self.name = Bytes::copy_from_slice(header.key.as_bytes());
        }
        Header { name: self.name.clone(), value: header.value.map(|value| self.keep(value)) }
    }

    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.len() > LARGE {
            return Bytes::copy_from_slice(bytes);
        }
        if self.piece.capacity() < bytes.len() {
            self.piece = BytesMut::with_capacity(PIECE);
        }
        self.piece.extend_from_slice(bytes);
        self.piece.split().freeze()
    }
}

fn offset_of(message: &BorrowedMessage<'_>) -> Offset {
    Offset(u64::try_from(message.offset()).unwrap_or_default())
}
