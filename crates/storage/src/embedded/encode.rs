//! A batch as the bytes that the engine gets. Done by the thread that enqueues, so that the committer only commits.

use denrei_model::row::{Change, CounterRow, HighWaterKey, InboxKey, InboxRow, Key, OutNumberKey, Row};
use denrei_model::shard::Shard;
use fjall::Slice;

use super::spaces::Space;
use crate::shard::Batch;

/// What happens to a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// It gets this value.
    Put(Slice),
    /// It goes.
    Delete,
    /// A record has been applied: it goes, and if the same group brought it, it was never there.
    Settle,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where.
    pub space: Space,
    /// The encoded key.
    pub key: Slice,
    /// What happens to it.
    pub write: Write,
}

/// Everything that a batch of a shard writes, in order: its changes, its records, and the numbers that the backend keeps.
#[must_use]
pub fn encode(shard: Shard, batch: &Batch) -> Vec<Item> {
    let records = 2 * (batch.emitted.len() + batch.applied.len());
    let mut out = Encoder {
        scratch: Vec::with_capacity(512),
        items: Vec::with_capacity(batch.changes.len() + records),
    };
    for change in &batch.changes {
        match change {
            Change::Put(key, row) => out.put(key, row),
            Change::Delete(key) => out.push(key, Write::Delete),
        }
    }
    for emitted in &batch.emitted {
        let key = InboxKey { to: emitted.to, from: shard, number: emitted.number };
        out.put(&key.into(), &Row::Inbox(InboxRow { record: emitted.record.clone() }));
        let counter = Row::OutNumber(CounterRow { value: emitted.number.get() });
        out.put(&OutNumberKey { from: shard, to: emitted.to }.into(), &counter);
    }
    for applied in &batch.applied {
        let key = InboxKey { to: shard, from: applied.from, number: applied.number };
        out.push(&key.into(), Write::Settle);
        let counter = Row::HighWater(CounterRow { value: applied.number.get() });
        out.put(&HighWaterKey { to: shard, from: applied.from }.into(), &counter);
    }
    out.items
}

/// Keys and values are written here first and then copied once into what the engine keeps: a short one needs no memory
/// of its own there.
struct Encoder {
    scratch: Vec<u8>,
    items: Vec<Item>,
}

impl Encoder {
    fn push(&mut self, key: &Key, write: Write) {
        self.scratch.clear();
        key.encode(&mut self.scratch);
        let key_bytes = Slice::from(self.scratch.as_slice());
        self.items.push(Item { space: Space::of(key.table()), key: key_bytes, write });
    }

    fn put(&mut self, key: &Key, row: &Row) {
        self.scratch.clear();
        row.encode(&mut self.scratch);
        let value = Slice::from(self.scratch.as_slice());
        self.push(key, Write::Put(value));
    }
}

/// About how many bytes the engine's journal takes for these.
pub(super) fn size(items: &[Item]) -> usize {
    const OVERHEAD: usize = 16;
    items
        .iter()
        .map(|item| {
            let value = if let Write::Put(value) = &item.write { value.len() } else { 0 };
            item.key.len() + value + OVERHEAD
        })
        .sum()
}
