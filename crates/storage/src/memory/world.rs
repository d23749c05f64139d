//! What a memory store holds, and how a batch becomes durable in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use denrei_model::position::{Epoch, Place, RecordNumber};
use denrei_model::row::{
    Change, CounterRow, HighWaterKey, InboxKey, InboxRow, Key, OutNumberKey, Row, TableKey,
};
use denrei_model::shard::Shard;

use super::store::MemoryOptions;
use crate::shard::{
    Batch, CommitListener, Counters, EnqueueError, Fetch, Fetched, Lost, PendingRecord, Scan,
};

/// Durable rows, numbers and records among them; cheap to copy, so that a copy is a moment.
pub(super) type Rows = Arc<BTreeMap<Key, Arc<Row>>>;

pub(super) struct Queued {
    pub(super) shard: Shard,
    pub(super) place: Place,
    pub(super) batch: Batch,
}

#[derive(Clone, Default)]
pub(super) struct Owner {
    pub(super) epoch: Epoch,
    pub(super) listener: Option<Arc<dyn CommitListener>>,
}

/// Something a listener is to be told.
pub(super) struct Call {
    pub(super) shard: Shard,
    pub(super) listener: Arc<dyn CommitListener>,
    pub(super) word: Word,
}

pub(super) enum Word {
    Committed(Place),
    Lost(Lost),
}

impl Call {
    pub(super) fn make(self) {
        match self.word {
            Word::Committed(place) => self.listener.committed(place),
            Word::Lost(why) => self.listener.lost(why),
        }
    }
}

pub(super) struct World {
    pub(super) options: MemoryOptions,
    pub(super) rows: Rows,
    pub(super) queue: VecDeque<Queued>,
    pub(super) owners: Vec<Owner>,
    pub(super) epoch: Epoch,
    pub(super) place: Place,
    /// Batches beyond this many become durable; all do while it is zero.
    pub(super) lag: usize,
    /// Whether what is durable is kept from the listeners.
    pub(super) silent: bool,
    pub(super) calls: VecDeque<Call>,
    pub(super) calling: bool,
    pub(super) refusal: Option<EnqueueError>,
    /// How many batches the disk has room for, if not for any number.
    pub(super) room: Option<usize>,
    /// Rows that cannot be read.
    pub(super) damaged: BTreeSet<Key>,
    pub(super) failed: Option<Arc<str>>,
}

impl World {
    pub(super) fn new(options: MemoryOptions, rows: Rows, epoch: Epoch) -> Self {
        Self {
            options,
            rows,
            queue: VecDeque::new(),
            owners: vec![Owner::default(); usize::from(options.shards)],
            epoch,
            place: Place::ZERO,
            lag: 0,
            silent: false,
            calls: VecDeque::new(),
            calling: false,
            refusal: None,
            room: None,
            damaged: BTreeSet::new(),
            failed: None,
        }
    }

    /// Makes the batch at this index of the queue durable.
    pub(super) fn commit_at(&mut self, index: usize) -> Option<Place> {
        let Queued { shard, place, batch } = self.queue.remove(index)?;
        apply(Arc::make_mut(&mut self.rows), shard, batch);
        self.tell(shard, Word::Committed(place));
        Some(place)
    }

    /// Makes durable what the lag does not hold back.
    pub(super) fn settle(&mut self) {
        while self.queue.len() > self.lag && self.commit_at(0).is_some() {}
    }

    pub(super) fn tell(&mut self, shard: Shard, word: Word) {
        let listener = self.owners.get(shard.index()).and_then(|owner| owner.listener.clone());
        self.calls.extend(listener.map(|listener| Call { shard, listener, word }));
    }

    /// Takes a shard from its owner. Where no batch may overtake another, those before the claim become durable first;
    /// elsewhere they are gone, and what was durable but not told is never told.
    pub(super) fn fence(&mut self, shard: Shard) -> Epoch {
        if self.options.early_apply {
            let last = self.queue.iter().rposition(|queued| queued.shard == shard);
            for _ in 0..last.map_or(0, |last| last + 1) {
                self.commit_at(0);
            }
        } else {
            self.queue.retain(|queued| queued.shard != shard);
            if self.silent {
                self.calls.retain(|call| call.shard != shard);
            }
        }
        self.tell(shard, Word::Lost(Lost::NotYours));
        self.epoch = self.epoch.next();
        let epoch = self.epoch;
        if let Some(owner) = self.owners.get_mut(shard.index()) {
            *owner = Owner { epoch, listener: None };
        }
        epoch
    }
}

fn apply(rows: &mut BTreeMap<Key, Arc<Row>>, shard: Shard, batch: Batch) {
    for change in batch.changes {
        match change {
            Change::Put(key, row) => rows.insert(key, row),
            Change::Delete(key) => rows.remove(&key),
        };
    }
    for emitted in batch.emitted {
        let key = InboxKey { to: emitted.to, from: shard, number: emitted.number };
        rows.insert(key.into(), Arc::new(InboxKey::wrap(InboxRow { record: emitted.record })));
        let row = OutNumberKey::wrap(CounterRow { value: emitted.number.get() });
        rows.insert(OutNumberKey { from: shard, to: emitted.to }.into(), Arc::new(row));
    }
    for applied in batch.applied {
        rows.remove(&InboxKey { to: shard, from: applied.from, number: applied.number }.into());
        let row = HighWaterKey::wrap(CounterRow { value: applied.number.get() });
        rows.insert(HighWaterKey { to: shard, from: applied.from }.into(), Arc::new(row));
    }
}

pub(super) fn counters(rows: &Rows, shard: Shard) -> Counters {
    let mut counters = Counters::default();
    for (key, row) in rows.iter() {
        match (key, &**row) {
            (Key::OutNumber(key), Row::OutNumber(row)) if key.from == shard => {
                counters.out.push((key.to, RecordNumber::new(row.value)));
            }
            (Key::HighWater(key), Row::HighWater(row)) if key.to == shard => {
                counters.high_water.push((key.from, RecordNumber::new(row.value)));
            }
            _ => {}
        }
    }
    counters
}

pub(super) fn fetch(rows: &Rows, fetch: &Fetch) -> Fetched {
    Fetched {
        rows: fetch.keys.iter().map(|key| rows.get(key).cloned()).collect(),
        scans: fetch.scans.iter().map(|range| scan(rows, range)).collect(),
    }
}

fn scan(rows: &Rows, scan: &Scan) -> Vec<(Key, Arc<Row>)> {
    let Scan { range, limit, reverse } = scan;
    if range.from >= range.to {
        return Vec::new();
    }
    let table = range.from.table();
    let found = rows.range(&range.from..&range.to).filter(|(key, _)| key.table() == table);
    let owned = |(key, row): (&Key, &Arc<Row>)| (key.clone(), Arc::clone(row));
    if *reverse {
        found.rev().take(*limit).map(owned).collect()
    } else {
        found.take(*limit).map(owned).collect()
    }
}

pub(super) fn inbox(rows: &Rows, to: Shard) -> impl Iterator<Item = PendingRecord> + '_ {
    rows.iter().filter_map(move |(key, row)| match (key, &**row) {
        (Key::Inbox(key), Row::Inbox(row)) if key.to == to => {
            Some(PendingRecord { from: key.from, number: key.number, record: row.record.clone() })
        }
        _ => None,
    })
}
