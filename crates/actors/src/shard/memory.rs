//! The rows that a shard has in memory: those written and not yet durable, and a cache of others.
//!
//! What an item is shown at its turn must be what was written last, whether durable or not. An item names its rows when it
//! arrives; what memory has is captured then, the rest is read from the store. At its turn, a row written since arrival
//! wins over what was captured, and that over what was read. So a written row must stay in the overlay until it is
//! durable *and* no item that arrived before it was written is still waiting; then the store can be believed again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use denrei_model::position::Place;
use denrei_model::row::{Change, Key, Row};
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::{Fetch, Fetched, Scan};
use quick_cache::unsync::Cache;

use crate::rows::Rows;

type Known = Option<Arc<Row>>;

struct Written {
    row: Known,
    /// The last write of this key.
    write: u64,
}

/// Rows in memory.
pub(crate) struct Memory {
    overlay: BTreeMap<Key, Written>,
    /// Writes in order: of which key, under which ticket.
    writes: VecDeque<(u64, Key, Place)>,
    next_write: u64,
    durable: Place,
    cache: Cache<Key, Known>,
    shards: ShardMap,
    shard: Shard,
}

/// What memory knew when an item arrived.
#[derive(Default)]
pub(crate) struct Captured {
    /// Writes before this one were visible to the capture.
    pub(crate) at: u64,
    known: Vec<(Key, Known)>,
    ranges: Vec<Vec<(Key, Known)>>,
    scans: Vec<Scan>,
    /// What must be read from the store.
    missing: Vec<Key>,
}

impl Captured {
    /// Whether it covers all that this asks for.
    pub(crate) fn names(&self, fetch: &Fetch) -> bool {
        let named =
            |key: &Key| self.missing.contains(key) || self.known.iter().any(|(known, _)| known == key);
        fetch.keys.iter().all(named) && fetch.scans.iter().all(|scan| self.scans.contains(scan))
    }

    /// What must be read from the store, if anything.
    pub(crate) fn to_read(&self) -> Option<Fetch> {
        let fetch = Fetch { keys: self.missing.clone(), scans: self.scans.clone() };
        (!fetch.keys.is_empty() || !fetch.scans.is_empty()).then_some(fetch)
    }

    /// Goes without the rows that could not be read: nothing is known of them, not even that they are not there. Keys that were
    /// read are in the order in which they were asked for.
    pub(crate) fn make_do_with(&mut self, read: &[Key]) {
        if read.len() < self.missing.len() {
            self.missing.retain(|key| read.binary_search(key).is_ok());
        }
    }
}

impl Memory {
    pub(crate) fn new(cached_rows: usize, shards: ShardMap, shard: Shard) -> Self {
        Self {
            overlay: BTreeMap::new(),
            writes: VecDeque::new(),
            next_write: 0,
            durable: Place::ZERO,
            cache: Cache::new(cached_rows),
            shards,
            shard,
        }
    }

    /// Rows that are written and not yet retired.
    pub(crate) fn pinned(&self) -> usize {
        self.overlay.len()
    }

    /// What is known of these rows now.
    pub(crate) fn capture(&self, mut fetch: Fetch) -> Captured {
        fetch.keys.sort();
        fetch.keys.dedup();
        let mut captured = Captured { at: self.next_write, ..Captured::default() };
        for key in fetch.keys {
            if let Some(written) = self.overlay.get(&key) {
                captured.known.push((key, written.row.clone()));
            } else if let Some(row) = self.cache.get(&key) {
                captured.known.push((key, row.clone()));
            } else {
                captured.missing.push(key);
            }
        }
        captured.ranges = fetch.scans.iter().map(|scan| self.overlaid(scan, 0)).collect();
        captured.scans = fetch.scans;
        captured
    }

    /// Whether this shard writes the row. Decisions also look at the accounts of others, which change without this shard
    /// hearing of it: only the store knows them.
    fn is_own(&self, key: &Key) -> bool {
        match key {
            Key::Account(key) => self.shards.of_account(key.account) == self.shard,
            _ => true,
        }
    }

    fn overlaid(&self, scan: &Scan, since: u64) -> Vec<(Key, Known)> {
        if scan.range.from >= scan.range.to {
            return Vec::new();
        }
        let range = self.overlay.range(scan.range.from.clone()..scan.range.to.clone());
        let rows = range.filter(|(_, written)| written.write >= since);
        rows.map(|(key, written)| (key.clone(), written.row.clone())).collect()
    }

    /// The rows as they are now, given what was captured on arrival and read since.
    pub(crate) fn view(&mut self, captured: Captured, fetched: Fetched) -> Rows {
        let mut named = captured.known;
        for (key, row) in captured.missing.into_iter().zip(fetched.rows) {
            if !self.overlay.contains_key(&key) && self.is_own(&key) {
                self.cache.insert(key.clone(), row.clone());
            }
            named.push((key, row));
        }
        for (key, row) in &mut named {
            if let Some(written) = self.overlay.get(key) {
                row.clone_from(&written.row);
            }
        }
        let mut scans = Vec::with_capacity(captured.scans.len());
        for ((scan, before), read) in captured.scans.iter().zip(captured.ranges).zip(fetched.scans) {
            let mut rows: BTreeMap<Key, Arc<Row>> = read.into_iter().collect();
            for (key, row) in before.into_iter().chain(self.overlaid(scan, captured.at)) {
                match row {
                    Some(row) => rows.insert(key, row),
                    None => rows.remove(&key),
                };
            }
            let mut rows: Vec<_> = rows.into_iter().collect();
            if scan.reverse {
                rows.reverse();
            }
            rows.truncate(scan.limit);
            scans.push(rows);
        }
        Rows::new(named, scans)
    }

    /// Takes up what was written under a ticket.
    pub(crate) fn write(&mut self, changes: &[Change], place: Place) {
        for change in changes {
            let (key, row) = match change {
                Change::Put(key, row) => (key, Some(Arc::clone(row))),
                Change::Delete(key) => (key, None),
            };
            self.cache.remove(key);
            self.writes.push_back((self.next_write, key.clone(), place));
            self.overlay.insert(key.clone(), Written { row, write: self.next_write });
            self.next_write += 1;
        }
    }

    /// Everything up to this place is durable.
    pub(crate) fn durable(&mut self, up_to: Place) {
        self.durable = self.durable.max(up_to);
    }

    /// Lets go of what the store can be believed about: `oldest` is the capture mark of the longest waiting item.
    pub(crate) fn retire(&mut self, oldest: Option<u64>) {
        let oldest = oldest.unwrap_or(self.next_write);
        while let Some((write, _, place)) = self.writes.front() {
            if *place > self.durable || *write >= oldest {
                return;
            }
            let Some((write, key, _)) = self.writes.pop_front() else { return };
            if self.overlay.get(&key).is_some_and(|written| written.write == write)
                && let Some(written) = self.overlay.remove(&key)
                // Operations are read by gateways, from the store. Here they would only take the place of other rows, and
                // the cache counts rows, not bytes: of the longest messages it would hold gigabytes.
                && !matches!(key, Key::Op(_))
            {
                self.cache.insert(key, written.row);
            }
        }
    }
}

#[cfg(test)]
#[path = "memory/tests.rs"]
mod tests;
