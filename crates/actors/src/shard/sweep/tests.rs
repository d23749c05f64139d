//! What a step deletes, by table: never an answer whose key is honoured, never an operation that a device may still need.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::clock::{Day, Timestamp};
use denrei_model::id::{AccountId, LogId};
use denrei_model::idempotency::{IdempotencyKey, KeyAge};
use denrei_model::operation::StoredOperation;
use denrei_model::position::Revision;
use denrei_model::row::{
    AnswerKey, AnswerRow, Change, HeadKey, HeadRow, Key, OpKey, OpRow, Row, TableKey as _,
};
use denrei_model::shard::Shard;
use denrei_model::tag::Tag;
use proptest::prelude::*;
use prost::Message as _;
use tokio::sync::oneshot;

use super::{STEP_ACCOUNTS, STEP_ROWS, Sweep, SweepStep, decide, made_at, share};
use crate::rows::Rows;
use crate::shard::ledger::new_head;

const SHARD: Shard = Shard::new(3);
const BEFORE: Timestamp = Timestamp::from_millis(1_000);

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn step(sweep: Sweep, now: Timestamp) -> SweepStep {
    SweepStep::new(sweep, now, oneshot::channel().0)
}

/// The days whose answers a step asks for, at this time.
fn days(now: Timestamp) -> std::ops::Range<u32> {
    let fetch = step(Sweep::Answers { from: None }, now).needs(SHARD);
    let [scan] = &fetch.scans[..] else { panic!("{fetch:?}") };
    assert_eq!(scan.limit, STEP_ROWS);
    match (&scan.range.from, &scan.range.to) {
        (Key::Answer(from), Key::Answer(to)) => {
            assert_eq!((from.shard, to.shard, from.digest, to.digest), (SHARD, SHARD, [0; 16], [0; 16]));
            from.day..to.day
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_of_yesterday_stay_and_those_before_go_an_hour_after_midnight() {
    let midnight = Timestamp::from_millis(100 * 86_400_000);
    for (minutes, first_kept) in [(0, 98), (59, 98), (60, 99), (1_439, 99), (1_499, 99), (1_500, 100)] {
        let now = midnight.plus(Duration::from_secs(minutes * 60));
        assert_eq!(days(now), 0..first_kept, "{minutes} minutes after midnight of day 100");
    }
}

#[test]
fn a_clock_at_the_beginning_of_time_sweeps_no_answer() {
    assert!(days(Timestamp::default()).is_empty());
}

fn answer(number: usize) -> AnswerKey {
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    AnswerKey { shard: SHARD, day: 7, digest }
}

#[test]
fn a_step_deletes_every_answer_it_was_shown_and_goes_on_there_while_it_is_shown_its_fill() {
    let on = Sweep::Answers { from: Some(answer(STEP_ROWS - 1)) };
    for (shown, rest) in [(0, None), (1, None), (STEP_ROWS - 1, None), (STEP_ROWS, Some(on))] {
        let row = AnswerKey::wrap(AnswerRow { payload: 1, answer: Bytes::new() });
        let scan = (0..shown).map(|number| (answer(number).into(), Arc::new(row.clone()))).collect();
        let rows = Rows::new(Vec::new(), vec![scan]);
        let (changes, left) = decide(Sweep::Answers { from: None }, &rows);
        let deletes: Vec<Change> = (0..shown).map(|number| Change::delete(answer(number))).collect();
        assert_eq!((changes, left), (deletes, rest), "{shown} answers");
    }
}

#[test]
fn a_step_goes_on_where_the_one_before_it_ended_unless_that_was_on_another_shard() {
    let now = Timestamp::from_millis(100 * 86_400_000);
    let other = AnswerKey { shard: Shard::new(4), ..answer(5) };
    let begin = AnswerKey { shard: SHARD, day: 0, digest: [0; 16] };
    for (from, expected) in [(answer(5), answer(5)), (other, begin)] {
        let fetch = step(Sweep::Answers { from: Some(from) }, now).needs(SHARD);
        assert_eq!(fetch.scans[0].range.from, Key::from(expected));
    }
}

/// A log: which revisions are stored and when each was made, and where its head says that it begins.
#[derive(Clone, Copy, Debug)]
struct Log<'a> {
    first: u64,
    stored: &'a [(u64, u64)],
}

fn head(first: u64, revision: u64) -> HeadRow {
    let mut head = new_head(LogId::from_bytes([7; 16]), Revision::new(revision));
    head.first = Revision::new(first);
    head
}

fn operation(at: u64) -> OpRow {
    let stored = StoredOperation { revision: Revision::ZERO, created_at: at, payload: None };
    OpRow { tag: Tag::default(), stored: Bytes::from(stored.encode_to_vec()) }
}

fn rows(logs: &[(u8, Log<'_>)]) -> Rows {
    let named = logs.iter().map(|(number, log)| {
        let revision = log.stored.last().map_or(0, |(revision, _)| *revision);
        let row = HeadKey::wrap(head(log.first, revision));
        (Key::from(HeadKey { account: account(*number) }), Some(Arc::new(row)))
    });
    let scans = logs.iter().map(|(number, log)| {
        let row = |(revision, at): &(u64, u64)| {
            let key = OpKey { account: account(*number), revision: Revision::new(*revision) };
            (Key::from(key), Arc::new(OpKey::wrap(operation(*at))))
        };
        log.stored.iter().take(share(logs.len())).map(row).collect()
    });
    Rows::new(named.collect(), scans.collect())
}

fn operations(numbers: impl IntoIterator<Item = u8>) -> Sweep {
    Sweep::Operations { accounts: numbers.into_iter().map(account).collect(), before: BEFORE }
}

/// The revisions that go, and where the head says that the log begins if it was written.
fn trimmed(changes: &[Change]) -> (Vec<u64>, Option<u64>) {
    let mut gone = Vec::new();
    let mut first = None;
    for change in changes {
        match change {
            Change::Delete(Key::Op(key)) => gone.push(key.revision.get()),
            Change::Put(Key::Head(_), row) => match &**row {
                Row::Head(head) => first = Some(head.first.get()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    (gone, first)
}

fn check(log: Log<'_>, gone: &[u64], first: Option<u64>) {
    let (changes, rest) = decide(operations([1]), &rows(&[(1, log)]));
    assert_eq!((trimmed(&changes), rest), ((gone.to_vec(), first), None), "{log:?}");
}

#[test]
fn a_log_keeps_what_is_young_and_the_one_operation_before_it() {
    check(Log { first: 0, stored: &[] }, &[], None);
    check(Log { first: 0, stored: &[(1, 5)] }, &[], None);
    check(Log { first: 0, stored: &[(1, 999), (2, 1_000)] }, &[], None);
    check(Log { first: 0, stored: &[(1, 998), (2, 999), (3, 1_000)] }, &[1], Some(2));
    check(Log { first: 0, stored: &[(1, 5), (2, 5), (3, 5)] }, &[1, 2], Some(3));
    check(Log { first: 4, stored: &[(4, 5), (5, 5), (6, 2_000)] }, &[4], Some(5));
}

#[test]
fn only_the_beginning_of_a_log_goes_however_the_clock_jumped() {
    check(Log { first: 0, stored: &[(1, 5), (2, 5), (3, 2_000), (4, 5), (5, 5)] }, &[1], Some(2));
    check(Log { first: 0, stored: &[(1, 2_000), (2, 5), (3, 5)] }, &[], None);
}

#[test]
fn a_log_that_was_begun_anew_does_not_begin_earlier_than_that() {
    check(Log { first: 21, stored: &[(18, 5), (19, 5), (20, 5)] }, &[18, 19], None);
    check(Log { first: 21, stored: &[(20, 5), (21, 5), (22, 5)] }, &[20, 21], Some(22));
}

#[test]
fn a_hole_stays_one_until_what_follows_it_is_old_too() {
    check(Log { first: 0, stored: &[(1, 5), (2, 5), (5, 2_000)] }, &[1], Some(2));
    check(Log { first: 0, stored: &[(1, 5), (2, 5), (5, 5), (6, 5)] }, &[1, 2, 5], Some(6));
}

#[test]
fn an_operation_that_cannot_be_read_and_all_after_it_stay() {
    let mut damaged = operation(5);
    damaged.stored = Bytes::from_static(b"\xff");
    assert_eq!(made_at(&damaged), None);
    let key = |revision| Key::from(OpKey { account: account(1), revision: Revision::new(revision) });
    let stored = [(1, operation(5)), (2, operation(5)), (3, damaged), (4, operation(5))];
    let scan = stored.map(|(revision, row)| (key(revision), Arc::new(OpKey::wrap(row))));
    let named = vec![(HeadKey { account: account(1) }.into(), Some(Arc::new(HeadKey::wrap(head(0, 4)))))];
    let (changes, _) = decide(operations([1]), &Rows::new(named, vec![scan.into()]));
    assert_eq!(trimmed(&changes), (vec![1], Some(2)));
}

#[test]
fn an_account_without_a_head_has_no_log() {
    let named = vec![(HeadKey { account: account(1) }.into(), None)];
    let key = |revision| Key::from(OpKey { account: account(1), revision: Revision::new(revision) });
    let scan = [1, 2].map(|revision| (key(revision), Arc::new(OpKey::wrap(operation(5))))).into();
    assert_eq!(decide(operations([1]), &Rows::new(named, vec![scan])), (Vec::new(), None));
}

#[test]
fn a_step_takes_as_many_accounts_as_it_may_and_leaves_the_others_and_the_unfinished_to_the_next() {
    let long: Vec<(u64, u64)> = (1..=100).map(|revision| (revision, 5)).collect();
    let short = [(1, 5), (2, 2_000)];
    let last = u8::try_from(STEP_ACCOUNTS).unwrap();
    let logs: Vec<(u8, Log<'_>)> = (1..=last)
        .map(|number| (number, Log { first: 0, stored: if number == 2 { &long } else { &short } }))
        .collect();
    let fetch = step(operations(1..=last + 3), BEFORE).needs(SHARD);
    assert_eq!((fetch.keys.len(), fetch.scans.len()), (STEP_ACCOUNTS, STEP_ACCOUNTS));
    assert!(fetch.scans.iter().map(|scan| scan.limit).sum::<usize>() <= STEP_ROWS);
    let (changes, rest) = decide(operations(1..=last + 3), &rows(&logs));
    let shown = share(STEP_ACCOUNTS) as u64;
    assert_eq!(trimmed(&changes), ((1..shown).collect(), Some(shown)));
    assert_eq!(rest, Some(operations([2, last + 1, last + 2, last + 3])));
}

proptest! {
    /// Whatever is kept, a device that lacks only young operations finds all of them, and the tag before the first.
    #[test]
    fn who_lacks_only_young_operations_is_served(ages in prop::collection::vec(0_u64..2_000, 1..60)) {
        let stored: Vec<(u64, u64)> = (1..).zip(ages).collect();
        let (changes, _) = decide(operations([1]), &rows(&[(1, Log { first: 0, stored: &stored })]));
        let (gone, first) = trimmed(&changes);
        prop_assert_eq!(&gone, &(1..=gone.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(first, (!gone.is_empty()).then_some(gone.len() as u64 + 1));
        let young = stored.iter().position(|(_, at)| Timestamp::from_millis(*at) >= BEFORE);
        let needed = young.unwrap_or(stored.len()).saturating_sub(1);
        prop_assert_eq!(gone.len(), needed);
    }

    /// A key that is honoured now, or was within the hour, has its answer.
    #[test]
    fn no_answer_goes_whose_key_may_be_honoured(now in 0_u64..400_000_000_000, back in 0_u64..3_600_000, ago in 0_u32..4) {
        let now = Timestamp::from_millis(now + 4 * 86_400_000);
        let then = Timestamp::from_millis(now.as_millis() - back);
        let day = Day::from_number(then.day().number() - ago);
        let key: IdempotencyKey = format!("{}-a", day.to_yyyymmdd()).parse().unwrap();
        let kept = !days(now).contains(&day.number());
        prop_assert!(kept || key.age(then.day()) == KeyAge::Expired);
    }
}
