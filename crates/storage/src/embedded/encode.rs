//! A batch as the bytes that the engine gets. Done by the thread that enqueues, so that the committer only commits.

use denrei_model::row::{Change, CounterRow, HighWaterKey, InboxKey, InboxRow, Key, OutNumberKey};
use denrei_model::shard::Shard;
use fjall::Slice;
use prost::Message as _;

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
    let mut out =
        Encoder { scratch: Vec::with_capacity(64), items: Vec::with_capacity(batch.changes.len() + records) };
    for change in &batch.changes {
        match change {
            Change::Put(key, row) => out.push(key, Write::Put(Slice::from(row.encode().as_ref()))),
            Change::Delete(key) => out.push(key, Write::Delete),
        }
    }
    for emitted in &batch.emitted {
        let key = InboxKey { to: emitted.to, from: shard, number: emitted.number };
        let row = InboxRow { record: emitted.record.clone() };
        out.push(&key.into(), Write::Put(Slice::from(row.encode_to_vec())));
        out.counter(&OutNumberKey { from: shard, to: emitted.to }.into(), emitted.number.get());
    }
    for applied in &batch.applied {
        let key = InboxKey { to: shard, from: applied.from, number: applied.number };
        out.push(&key.into(), Write::Settle);
        out.counter(&HighWaterKey { to: shard, from: applied.from }.into(), applied.number.get());
    }
    out.items
}

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

    fn counter(&mut self, key: &Key, value: u64) {
        let row = CounterRow { value };
        self.push(key, Write::Put(Slice::from(row.encode_to_vec())));
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
