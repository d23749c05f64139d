//! The ledger: gives the effects of a turn their numbers. Revisions and tags of every account's log of the shard, and the
//! numbers of its records, are given here and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::effects::{Draft, Effects, Emit, Notice};
use denrei_model::id::{AccountId, LogId};
use denrei_model::operation::{Operation, StoredOperation};
use denrei_model::position::{RecordNumber, Revision};
use denrei_model::record::Record;
use denrei_model::row::{Change, HeadKey, HeadRow, OpKey, OpRow};
use denrei_model::shard::Shard;
use denrei_model::tag::Tag;
use denrei_storage::shard::{Applied, Batch, Counters, Emitted};
use foldhash::HashMap;
use prost::Message as _;

use crate::rows::Rows;

/// The numbers of a shard's records.
pub(crate) struct Ledger {
    out: HashMap<Shard, RecordNumber>,
    max_operations: u64,
}

/// A turn with its numbers: one commit, and what follows from it.
pub(crate) struct Entry {
    pub(crate) batch: Batch,
    pub(crate) pushes: Vec<Push>,
    pub(crate) notices: Vec<Notice>,
    /// What the emitted records say, in their order.
    pub(crate) records: Vec<Arc<Record>>,
    /// The numbers reached, taken up only when the commit has its ticket.
    out: Vec<(Shard, RecordNumber)>,
}

/// An operation that devices are to see once it is durable.
pub(crate) struct Push {
    pub(crate) account: AccountId,
    /// As it is stored.
    pub(crate) log_id: LogId,
    pub(crate) operation: Operation,
}

impl Ledger {
    pub(crate) fn new(counters: &Counters, max_operations: u64) -> Self {
        Self { out: counters.out.iter().copied().collect(), max_operations }
    }

    /// Numbers the effects. `rows` must name the head of every account that gets an operation.
    pub(crate) fn enter(&self, effects: Effects, rows: &Rows, applied: Vec<Applied>) -> Entry {
        let Effects { mut changes, operations, emits, notices } = effects;
        let pushes = self.append(operations, rows, &mut changes);
        let (emitted, out) = self.number(&emits);
        let records = emits.into_iter().map(|emit| Arc::new(emit.record)).collect();
        Entry { batch: Batch { changes, emitted, applied }, pushes, notices, records, out }
    }

    /// The entry has its ticket: its numbers are used.
    pub(crate) fn take_up(&mut self, entry: &Entry) {
        self.out.extend(entry.out.iter().copied());
    }

    fn number(&self, emits: &[Emit]) -> (Vec<Emitted>, Vec<(Shard, RecordNumber)>) {
        let mut out: BTreeMap<Shard, RecordNumber> = BTreeMap::new();
        let mut emitted = Vec::with_capacity(emits.len());
        for &Emit { to, ref record } in emits {
            let last = out.entry(to).or_insert_with(|| self.out.get(&to).copied().unwrap_or_default());
            if !crate::shard::faults::armed("number-reused") {
                *last = last.next();
            }
            emitted.push(Emitted { to, number: *last, record: Bytes::from(record.encode_to_vec()) });
        }
        (emitted, out.into_iter().collect())
    }

    fn append(&self, drafts: Vec<Draft>, rows: &Rows, changes: &mut Vec<Change>) -> Vec<Push> {
        let mut heads: BTreeMap<AccountId, HeadRow> = BTreeMap::new();
        // A head that the turn itself writes (a registration, a new log) comes before its operations.
        for change in changes.iter() {
            if let Change::Put(denrei_model::row::Key::Head(key), row) = change
                && let denrei_model::row::Row::Head(head) = &**row
            {
                heads.insert(key.account, head.clone());
            }
        }
        let mut pushes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let known = rows.get(&HeadKey { account: draft.account });
            let Some(head) = heads.get(&draft.account).or(known).cloned() else {
                tracing::error!(account = %draft.account, "an operation for an account that does not exist is dropped");
                continue;
            };
            let account = draft.account;
            let (head, push) = self.append_one(draft, head, changes);
            changes.push(Change::put(HeadKey { account }, head.clone()));
            heads.insert(account, head);
            pushes.extend(push);
        }
        pushes
    }

    fn append_one(
        &self,
        draft: Draft,
        mut head: HeadRow,
        changes: &mut Vec<Change>,
    ) -> (HeadRow, Option<Push>) {
        let Draft { account, created_at, payload } = draft;
        head.revision = head.revision.next();
        if crate::shard::faults::armed("revision-skipped") {
            head.revision = head.revision.next();
        }
        let category = payload.category();
        let mut stored = StoredOperation { revision: head.revision, created_at, payload: Some(payload) };
        let (bytes, tag) = stored.seal(head.tag);
        head.tag = tag;
        changes.push(Change::put(OpKey { account, revision: head.revision }, OpRow { tag, stored: bytes }));
        let first = head.revision.get().saturating_sub(self.max_operations) + 1;
        if first > 1 {
            changes.push(Change::delete(OpKey { account, revision: Revision::new(first - 1) }));
            head.first = head.first.max(Revision::new(first));
        }
        // The payload was moved in to be encoded; it comes back out without a copy.
        let push = stored.payload.take().map(|payload| {
            let operation = Operation { revision: head.revision, tag, category, created_at, payload };
            Push { account, log_id: head.log_id, operation }
        });
        (head, push)
    }
}

/// The head of a log that begins now.
#[must_use]
pub(crate) fn new_head(log_id: LogId, revision: Revision) -> HeadRow {
    HeadRow { log_id, revision, tag: Tag::genesis(log_id), first: Revision::ZERO }
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
mod tests;
