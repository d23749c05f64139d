//! The rows that a decision is shown: those it named, as they are at its turn.

use std::sync::Arc;

use denrei_model::id::AccountId;
use denrei_model::position::Revision;
use denrei_model::row::{HeadKey, Key, KeyRange, Row, TableKey};
use denrei_storage::shard::Fetch;

/// Rows by key, and the ranges that were asked for, in the order of asking.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// Sorted by key.
    named: Vec<(Key, Option<Arc<Row>>)>,
    scans: Vec<Vec<(Key, Arc<Row>)>>,
}

impl Rows {
    /// These rows, and these ranges.
    #[must_use]
    pub fn new(mut named: Vec<(Key, Option<Arc<Row>>)>, scans: Vec<Vec<(Key, Arc<Row>)>>) -> Self {
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Self { named, scans }
    }

    /// The row, if there is one. It must have been named.
    #[must_use]
    pub fn get<K: TableKey>(&self, key: &K) -> Option<&K::Row> {
        let key: Key = key.clone().into();
        let found = self.named.binary_search_by(|(named, _)| named.cmp(&key));
        debug_assert!(found.is_ok(), "a decision looks at a row that it did not name: {key:?}");
        let (_, row) = self.named.get(found.ok()?)?;
        row.as_deref().and_then(K::row)
    }

    /// The rows of the range named at this place.
    pub fn scan<K: TableKey>(&self, index: usize) -> impl Iterator<Item = (&Key, &K::Row)> {
        let rows = self.scans.get(index).map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|(key, row)| K::row(row).map(|row| (key, row)))
    }

    /// Whether all of this was named, and could be read.
    pub(crate) fn cover(&self, fetch: &Fetch) -> bool {
        let named = |key: &Key| self.named.binary_search_by(|(named, _)| named.cmp(key)).is_ok();
        fetch.keys.iter().all(named) && fetch.scans.len() <= self.scans.len()
    }

    /// The row under any key, if it was named and is there.
    pub(crate) fn any(&self, key: &Key) -> Option<Arc<Row>> {
        let index = self.named.binary_search_by(|(named, _)| named.cmp(key)).ok()?;
        self.named.get(index)?.1.clone()
    }

    /// The rows of every range asked for that lie within this one.
    pub(crate) fn within<'a>(&'a self, range: &'a KeyRange) -> impl Iterator<Item = (Key, Arc<Row>)> + 'a {
        self.scans
            .iter()
            .flatten()
            .filter(|(key, _)| range.contains(key))
            .map(|(key, row)| (key.clone(), Arc::clone(row)))
    }

    /// The revision that the next operation of this account gets. The account's head must have been named.
    #[must_use]
    pub fn next_revision(&self, account: AccountId) -> Revision {
        self.revision(account).next()
    }

    /// The revision of this account's last operation. The account's head must have been named.
    #[must_use]
    pub fn revision(&self, account: AccountId) -> Revision {
        self.get(&HeadKey { account }).map_or(Revision::ZERO, |head| head.revision)
    }
}
