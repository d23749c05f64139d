//! Reading what is durable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::position::RecordNumber;
use denrei_model::row::{Key, KeyRange, Row, TableKey};
use denrei_model::shard::Shard;

/// A future of a backend.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Try again later: the backend is overloaded or out of reach.
    #[error("the store cannot be read at the moment: {0}")]
    Unavailable(String),
    /// A stored row is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// What to read, in one go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetch {
    /// Single rows.
    pub keys: Vec<Key>,
    /// Ranges.
    pub scans: Vec<Scan>,
}

/// A range to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Which keys; all of one table.
    pub range: KeyRange,
    /// At most this many rows.
    pub limit: usize,
    /// From the end of the range backwards.
    pub reverse: bool,
}

impl Scan {
    /// The first `limit` rows of the range.
    #[must_use]
    pub fn forward(range: KeyRange, limit: usize) -> Self {
        Self { range, limit, reverse: false }
    }

    /// The last `limit` rows of the range, last first.
    #[must_use]
    pub fn backward(range: KeyRange, limit: usize) -> Self {
        Self { range, limit, reverse: true }
    }
}

/// What was read, in the order in which it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// A row per key, if it is there.
    pub rows: Vec<Option<Arc<Row>>>,
    /// The rows of each scan, in its order.
    pub scans: Vec<Vec<(Key, Arc<Row>)>>,
}

impl Fetched {
    /// The typed row at place `index` of the keys asked for.
    #[must_use]
    pub fn row<K: TableKey>(&self, index: usize) -> Option<&K::Row> {
        self.rows.get(index).and_then(Option::as_ref).and_then(|row| K::row(row))
    }

    /// The typed rows of scan `index`.
    pub fn scan<K: TableKey>(&self, index: usize) -> impl Iterator<Item = (&Key, &K::Row)> {
        let rows = self.scans.get(index).map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|(key, row)| K::row(row).map(|row| (key, row)))
    }
}

/// Reads of durable rows: each call sees one moment of the store.
pub trait Reader: Send + Sync + 'static {
    /// Reads all of it from one moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>>;

    /// A moment of the store, for reads that depend on each other. Drop it soon: it holds back clean-up.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, ReadError>>;
}

/// One moment of the store.
pub trait Snapshot: Send + Sync {
    /// Reads from that moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>>;
}

/// A record that waits for its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRecord {
    /// The shard that emitted it.
    pub from: Shard,
    /// Its number.
    pub number: RecordNumber,
    /// An encoded [`denrei_model::record::Record`].
    pub record: Bytes,
}

/// The durable inbox of shards, from which a destination pulls what was not handed to it.
pub trait InboxStore: Send + Sync + 'static {
    /// Durable records for `to`, from `from` with numbers above `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn pending(
        &self,
        to: Shard,
        from: Shard,
        after: RecordNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRecord>, ReadError>>;

    /// The shards from which `to` has durable records that it has not applied.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn sources(&self, to: Shard) -> BoxFuture<'_, Result<Vec<Shard>, ReadError>>;
}
