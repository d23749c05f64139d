//! The inbox of a shard: which record comes next from every other shard.
//!
//! number = expected → take; lower → a repeat, drop; higher → one is missing, ask the source's durable inbox. Records are
//! handed over in memory, and a hand-over may be dropped; the durable inbox has them all.

use std::collections::{BTreeMap, HashMap};

use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;
use denrei_storage::shard::{Counters, PendingRecord};

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
}

impl Inbox {
    pub(crate) fn new(counters: &Counters) -> Self {
        let source = |taken| Source { taken, heard: taken, ..Source::default() };
        Self {
            sources: counters.high_water.iter().map(|(shard, number)| (*shard, source(*number))).collect(),
        }
    }

    /// Judges a record by its number.
    pub(crate) fn judge(&mut self, record: &PendingRecord) -> Arrival {
        let source = self.sources.entry(record.from).or_default();
        source.heard = source.heard.max(record.number);
        if record.number <= source.taken {
            Arrival::Repeat
        } else if record.number == source.taken.next() {
            Arrival::Take
        } else {
            Arrival::Early
        }
    }

    /// A record of this number is on its way from there; it was not handed over.
    pub(crate) fn hear(&mut self, from: Shard, number: RecordNumber) {
        let source = self.sources.entry(from).or_default();
        source.heard = source.heard.max(number);
    }

    /// A record was put in line for its turn.
    pub(crate) fn taken(&mut self, record: &PendingRecord) {
        let source = self.sources.entry(record.from).or_default();
        source.taken = source.taken.max(record.number);
    }

    /// The durable inbox may hold more from this shard.
    pub(crate) fn rumour(&mut self, from: Shard) {
        self.sources.entry(from).or_default().rumoured = true;
    }

    /// Sources from which records are missing and not being pulled; they count as being pulled from now on.
    pub(crate) fn begin_pulls(&mut self) -> Vec<(Shard, RecordNumber)> {
        let lacking = self
            .sources
            .iter_mut()
            .filter(|(_, source)| !source.pulling && (source.rumoured || source.heard > source.taken));
        lacking
            .map(|(shard, source)| {
                (source.pulling, source.rumoured) = (true, false);
                (*shard, source.taken)
            })
            .collect()
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
