//! The inbox of a shard: which record comes next from every other shard.
//!
//! number = expected → take; lower → a repeat, drop; higher → one is missing, ask the source's durable inbox. Records are
//! handed over in memory, and a hand-over may be dropped; the durable inbox has them all.

use std::collections::{BTreeMap, BTreeSet};

use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;
use denrei_storage::shard::{Counters, PendingRecord};
use foldhash::HashMap;

#[derive(Default)]
struct Source {
    /// The last record taken: applied, or waiting for its turn.
    taken: RecordNumber,
    /// The highest number heard of.
    heard: RecordNumber,
    /// The durable inbox is said to hold something; looked at once.
    rumoured: bool,
    /// The durable inbox is being read.
    pulling: bool,
}

impl Source {
    fn lacks(&self) -> bool {
        self.rumoured || self.heard > self.taken
    }
}

/// What to do with a record that arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// It is the next one.
    Take,
    /// It was there before.
    Repeat,
    /// Others come before it: pull.
    Early,
}

/// Where each source stands.
#[derive(Default)]
pub(crate) struct Inbox {
    sources: HashMap<Shard, Source>,
    /// Those from which something may be missing: few, where all may be many.
    lacking: BTreeSet<Shard>,
}

impl Inbox {
    pub(crate) fn new(counters: &Counters) -> Self {
        let source = |taken| Source { taken, heard: taken, ..Source::default() };
        let sources = counters.high_water.iter().map(|(shard, number)| (*shard, source(*number))).collect();
        Self { sources, lacking: BTreeSet::new() }
    }

    /// Judges a record by its number.
    pub(crate) fn judge(&mut self, record: &PendingRecord) -> Arrival {
        let source = self.sources.entry(record.from).or_default();
        source.heard = source.heard.max(record.number);
        if record.number <= source.taken {
            return Arrival::Repeat;
        }
        self.lacking.insert(record.from);
        if record.number == source.taken.next() { Arrival::Take } else { Arrival::Early }
    }

    /// A record of this number is on its way from there; it was not handed over.
    pub(crate) fn hear(&mut self, from: Shard, number: RecordNumber) {
        let source = self.sources.entry(from).or_default();
        source.heard = source.heard.max(number);
        self.lacking.insert(from);
    }

    /// A record was put in line for its turn.
    pub(crate) fn taken(&mut self, record: &PendingRecord) {
        let source = self.sources.entry(record.from).or_default();
        source.taken = source.taken.max(record.number);
        if !source.lacks() {
            self.lacking.remove(&record.from);
        }
    }

    /// The durable inbox may hold more from this shard.
    pub(crate) fn rumour(&mut self, from: Shard) {
        self.sources.entry(from).or_default().rumoured = true;
        self.lacking.insert(from);
    }

    /// Sources from which records are missing and not being pulled; they count as being pulled from now on.
    pub(crate) fn begin_pulls(&mut self) -> Vec<(Shard, RecordNumber)> {
        let mut begun = Vec::new();
        self.lacking.retain(|shard| {
            let Some(source) = self.sources.get_mut(shard).filter(|source| source.lacks()) else {
                return false;
            };
            if !source.pulling {
                (source.pulling, source.rumoured) = (true, false);
                begun.push((*shard, source.taken));
            }
            true
        });
        begun
    }

    /// Whether records are missing and not being pulled.
    pub(crate) fn lacks(&self) -> bool {
        self.lacking
            .iter()
            .filter_map(|shard| self.sources.get(shard))
            .any(|source| source.lacks() && !source.pulling)
    }

    /// A pull has ended.
    pub(crate) fn pulled(&mut self, from: Shard) {
        self.sources.entry(from).or_default().pulling = false;
    }

    /// The last record taken from each shard, ordered.
    pub(crate) fn marks(&self) -> BTreeMap<Shard, RecordNumber> {
        self.sources.iter().map(|(shard, source)| (*shard, source.taken)).collect()
    }
}

#[cfg(test)]
#[path = "inbox/tests.rs"]
mod tests;
