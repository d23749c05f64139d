//! What readers see is a moment: every group as a whole or not at all, however busy the engine is with its tables.

use std::num::NonZeroUsize;

use denrei_model::row::{AnswerKey, AnswerRow, Change, NameKey};
use denrei_model::shard::Shard;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore};
use denrei_storage::shard::{Fetch, Reader as _, ShardStore as _, Snapshot};

use crate::harness::{batch, claim, options, put};

const NAMES: usize = 400;
const ROUNDS: u32 = 200;
/// Groups under way at once.
const AHEAD: u32 = 4;

/// All names hold the number of the round, and there is enough beside them that a table is written every other round.
fn round(number: u32) -> Vec<Change> {
    let names = (0..NAMES).map(|name| put(&name.to_string(), u64::from(number)));
    let filling = (0..100_u8).map(|place| {
        let key = AnswerKey { shard: Shard::new(1), day: number, digest: [place; 16] };
        Change::put(key, AnswerRow { payload: 0, answer: vec![place; 6 * 1024].into() })
    });
    // The names come first and last, with the filling between: a group half applied shows.
    let (mut changes, last): (Vec<_>, Vec<_>) = names.partition(
        |change| matches!(change, Change::Put(denrei_model::row::Key::Name(key), _) if key.name.len() < 3),
    );
    changes.extend(filling);
    changes.extend(last);
    changes
}

/// The rounds that the names hold.
async fn rounds(moment: &dyn Snapshot) -> Vec<Option<u64>> {
    let keys = (0..NAMES).map(|name| NameKey { name: name.to_string() }.into()).collect();
    let fetched = moment.fetch(Fetch { keys, scans: vec![] }).await.unwrap();
    let mut rounds: Vec<_> =
        (0..NAMES).map(|name| fetched.row::<NameKey>(name).map(|row| row.until)).collect();
    rounds.dedup();
    rounds
}

#[tokio::test]
async fn a_group_is_seen_as_a_whole_while_tables_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        memtable_bytes: 1024 * 1024,
        journal_bytes: 64 * 1024 * 1024,
        reader_threads: NonZeroUsize::MIN.saturating_add(3),
        ..options(dir.path())
    };
    let store = EmbeddedStore::open(&options, 8, 1).unwrap();
    let (claim, ear) = claim(&store, 1).await;
    let mut places = std::collections::VecDeque::new();
    for number in 1..=ROUNDS {
        let ticket = store.enqueue(claim.shard, claim.epoch, &batch(round(number))).unwrap();
        places.push_back(ticket.place);
        while places.len() >= AHEAD as usize {
            let moment = store.snapshot().await.unwrap();
            let first = rounds(&*moment).await;
            assert_eq!(first.len(), 1, "a group is seen in part: {first:?}");
            assert_eq!(rounds(&*moment).await, first, "a moment changes while it is looked at");
            if ear.heard.borrow().0 >= *places.front().unwrap() {
                places.pop_front();
            }
        }
    }
    // What was announced is seen.
    ear.wait(*places.back().unwrap()).await;
    assert_eq!(rounds(&*store.snapshot().await.unwrap()).await, [Some(u64::from(ROUNDS))]);
}
