//! The memory store keeps the contract, and misbehaves only as the contract allows.

mod in_one_order {
    use crate::conformance::Subject;
    use crate::memory::MemoryStore;

    crate::promises!(Subject::new(
        |store: Option<MemoryStore>| store.map_or_else(MemoryStore::default, |s| s.crash(0))
    ));
}

mod shard_by_shard {
    use crate::conformance::Subject;
    use crate::memory::{MemoryOptions, MemoryStore};

    crate::promises!(Subject::new(|store: Option<MemoryStore>| match store {
        None => MemoryStore::new(MemoryOptions { early_apply: false, ..MemoryOptions::default() }),
        Some(store) => store.crash_keeping(|shard, _| shard.get() == 1),
    }));
}

use std::sync::Arc;

use super::{MemoryOptions, MemoryStore};
use crate::conformance::{Ear, Heard, Subject, changes, put};
use crate::shard::{Batch, EnqueueError, Lost, ShardStore as _};

fn subject(store: &MemoryStore) -> Subject<MemoryStore> {
    let store = store.clone();
    Subject::new(move |_| store.clone())
}

fn torn() -> MemoryStore {
    MemoryStore::new(MemoryOptions { early_apply: false, ..MemoryOptions::default() })
}

#[tokio::test]
async fn nothing_is_durable_while_it_is_held() {
    let store = MemoryStore::default();
    let (claim, ear) = subject(&store).claim(1).await;
    store.hold();
    let ticket = store.enqueue(claim.shard, claim.epoch, &Batch::default()).unwrap();
    assert_eq!(ear.heard(), []);
    assert_eq!(store.commit_next(), Some(ticket.place));
    assert_eq!(ear.heard(), [Heard::Committed(ticket.place)]);
}

#[tokio::test]
async fn one_shard_may_be_ahead_of_another_only_without_the_one_order() {
    for (store, expected) in [(MemoryStore::default(), false), (torn(), true)] {
        let (a, _) = subject(&store).claim(1).await;
        let (b, ear) = subject(&store).claim(2).await;
        store.hold();
        store.enqueue(a.shard, a.epoch, &Batch::default()).unwrap();
        store.enqueue(b.shard, b.epoch, &Batch::default()).unwrap();
        assert_eq!(store.commit_next_of(b.shard).is_some(), expected);
        assert_eq!(!ear.heard().is_empty(), expected);
    }
}

#[tokio::test]
async fn who_is_fenced_hears_it_and_its_waiting_batches_are_gone() {
    let store = torn();
    let (claim, ear) = subject(&store).claim(1).await;
    store.hold();
    store.enqueue(claim.shard, claim.epoch, &Batch::default()).unwrap();
    store.fence(claim.shard);
    assert_eq!(store.waiting(), 0);
    assert_eq!(ear.heard(), [Heard::Lost(Lost::NotYours)]);
    let refused = store.enqueue(claim.shard, claim.epoch, &Batch::default());
    assert_eq!(refused, Err(EnqueueError::NotYours));
}

#[tokio::test]
async fn one_batch_is_refused_and_the_next_is_taken() {
    let store = MemoryStore::default();
    let (claim, _) = subject(&store).claim(1).await;
    store.refuse_next(EnqueueError::Full);
    assert_eq!(store.enqueue(claim.shard, claim.epoch, &Batch::default()), Err(EnqueueError::Full));
    assert!(store.enqueue(claim.shard, claim.epoch, &Batch::default()).is_ok());
}

#[tokio::test]
async fn listeners_hear_late_and_in_order() {
    let store = MemoryStore::default();
    let (claim, ear) = subject(&store).claim(1).await;
    store.hush();
    let places = [(); 2].map(|()| store.enqueue(claim.shard, claim.epoch, &Batch::default()).unwrap().place);
    assert_eq!(ear.heard(), []);
    store.speak();
    assert_eq!(ear.heard(), places.map(Heard::Committed));
}

#[tokio::test]
async fn after_a_failed_commit_everybody_hears_and_nothing_is_taken() {
    let store = MemoryStore::default();
    let (claim, ear) = subject(&store).claim(1).await;
    store.fail("the disk is gone");
    assert_eq!(ear.heard(), [Heard::Lost(Lost::Failed("the disk is gone".into()))]);
    let refused = store.enqueue(claim.shard, claim.epoch, &Batch::default());
    assert_eq!(refused, Err(EnqueueError::Failed("the disk is gone".into())));
    assert!(store.claim(claim.shard, Arc::new(Ear::default())).await.is_err());
}

#[tokio::test]
async fn a_crash_leaves_as_much_of_the_queue_as_it_is_told_to() {
    let store = MemoryStore::default();
    let subject = subject(&store);
    let (a, _) = subject.claim(1).await;
    let (b, _) = subject.claim(2).await;
    store.hold();
    for (claim, name) in [(&a, "first"), (&b, "second"), (&a, "third")] {
        subject.enqueue(claim, &changes(vec![put(name, 1)]));
    }
    let found = self::subject(&store.crash(2));
    assert_eq!(found.number("first").await, Some(1));
    assert_eq!(found.number("second").await, Some(1));
    assert_eq!(found.number("third").await, None);
    let refused = store.enqueue(a.shard, a.epoch, &Batch::default());
    assert_eq!(refused, Err(EnqueueError::Failed("the process has crashed".into())));
}

#[tokio::test]
async fn a_crash_may_tear_between_shards_but_not_within_one() {
    let store = torn();
    let subject = subject(&store);
    let (a, _) = subject.claim(1).await;
    let (b, _) = subject.claim(2).await;
    store.hold();
    let first = subject.enqueue(&a, &changes(vec![put("a1", 1)]));
    subject.enqueue(&a, &changes(vec![put("a2", 1)]));
    subject.enqueue(&b, &changes(vec![put("b1", 1)]));
    let found = self::subject(&store.crash_keeping(|_, place| place != first.place));
    assert_eq!(found.number("a1").await, None);
    assert_eq!(found.number("a2").await, None);
    assert_eq!(found.number("b1").await, Some(1));
}
