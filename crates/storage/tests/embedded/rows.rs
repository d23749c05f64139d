//! Random batches and restarts leave the rows that an ordered map has.

use std::collections::BTreeMap;
use std::sync::Arc;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::position::Seq;
use denrei_model::row::{
    AnswerKey, AnswerRow, Change, Key, KeyRange, NameKey, NameRow, ReceivedKey, ReceivedRow, Row,
    TableKey as _,
};
use denrei_model::shard::Shard;
use denrei_storage::embedded::EmbeddedStore;
use denrei_storage::shard::{Fetch, Reader as _, Scan, ShardStore as _};
use proptest::prelude::*;

use crate::harness::{batch, claim, open};

fn change() -> impl Strategy<Value = Change> {
    (0_u8..3, 0_u8..6, proptest::option::weighted(0.7, 0_u64..1_000)).prop_map(|(table, id, number)| {
        let (key, row): (Key, Row) = match table {
            0 => (
                NameKey { name: format!("n{id}") }.into(),
                NameKey::wrap(NameRow {
                    account: AccountId::default(),
                    until: number.unwrap_or(0),
                    device: None,
                }),
            ),
            1 => (
                ReceivedKey {
                    account: AccountId::default(),
                    chat: ChatId::default(),
                    seq: Seq::new(u64::from(id) << 7),
                }
                .into(),
                ReceivedKey::wrap(ReceivedRow { n: number.unwrap_or(0) }),
            ),
            _ => (
                AnswerKey { shard: Shard::new(0), day: u32::from(id), digest: [id; 16] }.into(),
                AnswerKey::wrap(AnswerRow { payload: number.unwrap_or(0), answer: vec![id; 40].into() }),
            ),
        };
        if number.is_some() { Change::Put(key, Arc::new(row)) } else { Change::Delete(key) }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Commit(u16, Vec<Change>),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u16..8, proptest::collection::vec(change(), 0..12)).prop_map(|(s, c)| Step::Commit(s, c)),
        1 => Just(Step::Restart),
    ]
}

async fn stored(store: &EmbeddedStore) -> BTreeMap<Key, Arc<Row>> {
    let name = |name: &str| NameKey { name: name.to_owned() };
    let received = |seq| ReceivedKey { account: AccountId::default(), chat: ChatId::default(), seq };
    let answer = |day| AnswerKey { shard: Shard::new(0), day, digest: [0; 16] };
    let ranges = [
        KeyRange::new(name(""), name("z")),
        KeyRange::new(received(Seq::ZERO), received(Seq::MAX)),
        KeyRange::new(answer(0), answer(u32::MAX)),
    ];
    let scans = ranges.map(|range| Scan::forward(range, 1_000)).to_vec();
    let fetched = store.fetch(Fetch { keys: vec![], scans }).await.unwrap();
    fetched.scans.into_iter().flatten().collect()
}

async fn run(steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let mut model: BTreeMap<Key, Arc<Row>> = BTreeMap::new();
    let mut store = open(dir.path());
    for step in steps.into_iter().chain([Step::Restart]) {
        match step {
            Step::Commit(shard, changes) => {
                for change in &changes {
                    match change {
                        Change::Put(key, row) => model.insert(key.clone(), Arc::clone(row)),
                        Change::Delete(key) => model.remove(key),
                    };
                }
                let (claim, _) = claim(&store, shard).await;
                store.enqueue(claim.shard, claim.epoch, &batch(changes)).unwrap();
            }
            Step::Restart => {
                store.close();
                assert_eq!(stored(&store).await, model);
                drop(store);
                store = open(dir.path());
                assert_eq!(stored(&store).await, model);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_what_an_ordered_map_would(steps in proptest::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
