//! Revisions, tags and numbers: contiguous, chained, and used only with a ticket.

use denrei_model::effects::{Draft, Effects, Emit};
use denrei_model::id::{AccountId, LogId};
use denrei_model::operation::{Payload, Profile};
use denrei_model::position::{RecordNumber, Revision};
use denrei_model::record::Record;
use denrei_model::row::{Change, HeadKey, HeadRow, Key, OpRow, Row, TableKey as _};
use denrei_model::shard::Shard;
use denrei_storage::shard::Counters;

use super::{Entry, Ledger, new_head};
use crate::rows::Rows;

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn head(revision: u64) -> HeadRow {
    new_head(LogId::from_bytes([7; 16]), Revision::new(revision))
}

fn rows(heads: &[(u8, Option<HeadRow>)]) -> Rows {
    let named = heads.iter().map(|(number, head)| {
        let row = head.clone().map(|head| std::sync::Arc::new(HeadKey::wrap(head)));
        (Key::from(HeadKey { account: account(*number) }), row)
    });
    Rows::new(named.collect(), Vec::new())
}

fn ledger(max_operations: u64) -> Ledger {
    let out = vec![(Shard::new(1), RecordNumber::new(10))];
    Ledger::new(&Counters { out, high_water: Vec::new() }, max_operations)
}

fn draft(number: u8, name: &str) -> Draft {
    let profile = Profile { name: name.to_owned(), ..Profile::default() };
    Draft { account: account(number), created_at: 5, payload: Payload::UpdateProfile(profile) }
}

fn operations(drafts: Vec<Draft>) -> Effects {
    Effects { operations: drafts, ..Effects::default() }
}

/// Heads in the order in which they are written, and operations by account and revision.
fn written(entry: &Entry) -> (Vec<HeadRow>, Vec<(AccountId, u64, OpRow)>) {
    let (mut heads, mut stored) = (Vec::new(), Vec::new());
    for change in &entry.batch.changes {
        if let Change::Put(key, row) = change {
            match (key, &**row) {
                (_, Row::Head(head)) => heads.push(head.clone()),
                (Key::Op(key), Row::Op(row)) => stored.push((key.account, key.revision.get(), row.clone())),
                _ => {}
            }
        }
    }
    (heads, stored)
}

#[test]
fn operations_of_one_turn_follow_each_other_with_chained_tags() {
    let entry = ledger(100).enter(
        operations(vec![draft(1, "a"), draft(2, "b"), draft(1, "c")]),
        &rows(&[(1, Some(head(4))), (2, Some(head(0)))]),
        Vec::new(),
    );
    let (heads, stored) = written(&entry);
    let places: Vec<_> = stored.iter().map(|(account, revision, _)| (*account, *revision)).collect();
    assert_eq!(places, [(account(1), 5), (account(2), 1), (account(1), 6)]);
    let first = head(4).tag.chain(&stored[0].2.stored);
    assert_eq!((stored[0].2.tag, stored[2].2.tag), (first, first.chain(&stored[2].2.stored)));
    let last = heads.last().unwrap();
    assert_eq!((last.revision.get(), last.tag), (6, stored[2].2.tag));
    let pushed: Vec<_> = entry.pushes.iter().map(|push| push.operation.tag).collect();
    assert_eq!(pushed, stored.iter().map(|(.., row)| row.tag).collect::<Vec<_>>());
    assert_eq!(entry.pushes[0].log_id, head(0).log_id);
}

#[test]
fn a_head_written_by_the_turn_itself_comes_before_its_operations() {
    let begun = Change::put(HeadKey { account: account(1) }, head(9));
    let effects = Effects { changes: vec![begun], ..operations(vec![draft(1, "a")]) };
    let entry = ledger(100).enter(effects, &rows(&[(1, Some(head(2)))]), Vec::new());
    assert_eq!(written(&entry).1[0].1, 10);
}

#[test]
fn an_operation_for_nobody_is_dropped() {
    let entry = ledger(100).enter(operations(vec![draft(1, "a")]), &rows(&[(1, None)]), Vec::new());
    assert_eq!((entry.batch.changes.len(), entry.pushes.len()), (0, 0));
}

#[test]
fn a_log_keeps_as_many_operations_as_it_may() {
    let entry = ledger(3).enter(
        operations(vec![draft(1, "a"), draft(1, "b")]),
        &rows(&[(1, Some(head(2)))]),
        Vec::new(),
    );
    let removed: Vec<_> =
        entry.batch.changes.iter().filter(|change| matches!(change, Change::Delete(_))).collect();
    let first = denrei_model::row::OpKey { account: account(1), revision: Revision::new(1) };
    assert_eq!(removed, [&Change::delete(first)], "revisions 2, 3 and 4 are left");
    assert_eq!(written(&entry).0.last().unwrap().first, Revision::new(2));
}

#[test]
fn a_log_that_was_renewed_does_not_reach_back_before_that() {
    let renewed = HeadRow { first: Revision::new(21), ..head(20) };
    let rows = rows(&[(1, Some(renewed))]);
    let entry = ledger(3).enter(operations(vec![draft(1, "a")]), &rows, Vec::new());
    assert_eq!(written(&entry).0.last().unwrap().first, Revision::new(21));
}

#[test]
fn records_are_numbered_per_destination_and_numbers_used_only_with_a_ticket() {
    let mut ledger = ledger(100);
    let emit = |to| Emit { to: Shard::new(to), record: Record { at: 1, fact: None } };
    let enter = |ledger: &Ledger| {
        let emits = vec![emit(1), emit(2), emit(1)];
        ledger.enter(Effects { emits, ..Effects::default() }, &Rows::default(), Vec::new())
    };
    let numbers = |entry: &Entry| -> Vec<(u16, u64)> {
        entry.batch.emitted.iter().map(|record| (record.to.get(), record.number.get())).collect()
    };
    let refused = enter(&ledger);
    let taken = enter(&ledger);
    assert_eq!(numbers(&refused), [(1, 11), (2, 1), (1, 12)]);
    assert_eq!(numbers(&taken), numbers(&refused), "the store gave no ticket: nothing was used");
    ledger.take_up(&taken);
    assert_eq!(numbers(&enter(&ledger)), [(1, 13), (2, 2), (1, 14)]);
}
