//! What the engine asks of the store below it: ordered rows in a few spaces, and atomic batches.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use parking_lot::RwLock;

use crate::log::LogError;

/// A set of rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Topics and committed offsets: few rows, read at start.
    Meta,
    /// Chunks of records.
    Records,
    /// Timers, by due time and by id.
    Timers,
}

/// One change of a batch.
#[derive(Debug)]
pub(super) enum Op {
    Put(Space, Vec<u8>, Bytes),
    Delete(Space, Vec<u8>),
}

pub(super) type Rows = Vec<(Bytes, Bytes)>;

/// Rows that are read at once by [`Pages`].
const PAGE: usize = 64;

/// Rows in order, read as they are asked for: the first by itself, as it is often enough, then a page at a time.
pub(super) struct Pages<'a> {
    kv: &'a dyn Kv,
    space: Space,
    from: Vec<u8>,
    to: Vec<u8>,
    page: std::vec::IntoIter<(Bytes, Bytes)>,
    /// How many are read next; none if the end was seen.
    next: usize,
}

impl<'a> Pages<'a> {
    /// The rows from `from` to before `to`.
    pub(super) fn new(kv: &'a dyn Kv, space: Space, from: Vec<u8>, to: Vec<u8>) -> Self {
        Self { kv, space, from, to, page: Vec::new().into_iter(), next: 1 }
    }

    fn read(&mut self) -> Result<(), LogError> {
        let rows = self.kv.scan(self.space, &self.from, &self.to, self.next)?;
        self.next = if rows.len() < self.next { 0 } else { PAGE };
        if let Some((last, _)) = rows.last() {
            self.from = [&last[..], &[0]].concat();
        }
        self.page = rows.into_iter();
        Ok(())
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<(Bytes, Bytes), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0
            && self.next > 0
            && let Err(error) = self.read()
        {
            self.next = 0;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

/// An ordered store with atomic batches.
pub(super) trait Kv: Send + Sync + 'static {
    /// Applies all or nothing; on return it is as durable as the backend promises.
    fn apply(&self, ops: Vec<Op>) -> Result<(), LogError>;

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError>;

    /// Rows from `from` to before `to`, in order, at most `limit`.
    fn scan(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, LogError>;

    /// The last row from `from` up to and including `upto`.
    fn last(&self, space: Space, from: &[u8], upto: &[u8]) -> Result<Option<(Bytes, Bytes)>, LogError>;

    /// Bytes that the store takes.
    fn used(&self) -> u64;
}

/// Rows in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryKv {
    meta: RwLock<BTreeMap<Vec<u8>, Bytes>>,
    records: RwLock<BTreeMap<Vec<u8>, Bytes>>,
    timers: RwLock<BTreeMap<Vec<u8>, Bytes>>,
}

impl MemoryKv {
    fn space(&self, space: Space) -> &RwLock<BTreeMap<Vec<u8>, Bytes>> {
        match space {
            Space::Meta => &self.meta,
            Space::Records => &self.records,
            Space::Timers => &self.timers,
        }
    }
}

impl Kv for MemoryKv {
    fn apply(&self, ops: Vec<Op>) -> Result<(), LogError> {
        for op in ops {
            match op {
                Op::Put(space, key, value) => drop(self.space(space).write().insert(key, value)),
                Op::Delete(space, key) => drop(self.space(space).write().remove(&key)),
            }
        }
        Ok(())
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        Ok(self.space(space).read().get(key).cloned())
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, LogError> {
        let rows = self.space(space).read();
        let range = rows.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        Ok(range.take(limit).map(|(k, v)| (Bytes::copy_from_slice(k), v.clone())).collect())
    }

    fn last(&self, space: Space, from: &[u8], upto: &[u8]) -> Result<Option<(Bytes, Bytes)>, LogError> {
        let rows = self.space(space).read();
        let mut range = rows.range::<[u8], _>((Bound::Included(from), Bound::Included(upto)));
        Ok(range.next_back().map(|(k, v)| (Bytes::copy_from_slice(k), v.clone())))
    }

    fn used(&self) -> u64 {
        let rows = self.records.read();
        rows.values().map(|v| v.len() as u64).sum()
    }
}
