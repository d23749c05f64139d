//! What the store refuses, and how it fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use denrei_model::clock::{ManualClock, Timestamp};
use denrei_model::shard::Shard;
use denrei_storage::embedded::{EmbeddedOptions, EmbeddedStore, Environment, OpenError};
use denrei_storage::shard::{Batch, EnqueueError, Lost, ShardStore as _};

use crate::harness::{batch, claim, number, open, options, put};

#[tokio::test]
async fn the_second_to_open_a_directory_is_told_who_was_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = EmbeddedStore::open(&options(dir.path()), 8, 1).expect_err("one process per directory");
    let OpenError::InUse { holder, .. } = &refused else { panic!("{refused}") };
    assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
    drop(store);
    open(dir.path());
}

#[tokio::test]
async fn a_store_opens_only_with_the_shards_and_the_seed_it_was_made_with() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    for (shards, seed, wrong) in [(16, 1, "shards"), (8, 2, "seed")] {
        let refused = EmbeddedStore::open(&options(dir.path()), shards, seed).expect_err("it is pinned");
        assert!(matches!(refused, OpenError::Mismatch { what, .. } if what == wrong), "{refused}");
    }
    open(dir.path());
}

#[tokio::test]
async fn all_faults_of_the_options_are_told_at_once() {
    let options = EmbeddedOptions { journal_bytes: 1, memtable_bytes: 1, ..EmbeddedOptions::at("") };
    let refused = EmbeddedStore::open(&options, 8, 1).expect_err("they cannot work");
    assert!(matches!(&refused, OpenError::Options(faults) if faults.len() == 3), "{refused}");
}

/// Polls until the store answers an empty commit like this.
async fn until(store: &EmbeddedStore, shard: Shard, answer: impl Fn(&Result<(), EnqueueError>) -> bool) {
    let (claim, _) = claim(store, shard.get()).await;
    let polled = async {
        while !answer(&store.enqueue(shard, claim.epoch, &Batch::default()).map(|_| ())) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), polled).await.expect("the answer changes");
}

#[tokio::test]
async fn writes_are_refused_while_the_disk_is_full_and_taken_when_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (free, clock) = (Arc::new(AtomicU64::new(1_000)), Arc::new(ManualClock::at(Timestamp::default())));
    let bytes = Arc::clone(&free);
    let environment = Environment::default()
        .with_clock(Arc::clone(&clock) as _)
        .with_free_space(move |_: &Path| Ok(bytes.load(Ordering::SeqCst)));
    let options = EmbeddedOptions { free_disk_bytes: 100, ..EmbeddedOptions::at(dir.path()) };
    let store = EmbeddedStore::open_with(&options, 8, 1, environment).unwrap();
    let (claimed, ear) = claim(&store, 1).await;
    let ticket = store.enqueue(claimed.shard, claimed.epoch, &batch(vec![put("n", 1)])).unwrap();
    ear.wait(ticket.place).await;

    free.store(99, Ordering::SeqCst);
    clock.advance(Duration::from_secs(2));
    until(&store, Shard::new(2), |answer| *answer == Err(EnqueueError::DiskFull { reserve: 100 })).await;
    assert_eq!(number(&store, "n").await, Some(1), "reads go on");
    assert!(store.stats().refused_disk > 0);

    free.store(100, Ordering::SeqCst);
    clock.advance(Duration::from_secs(2));
    until(&store, Shard::new(2), Result::is_ok).await;
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_all_and_never_retried() {
    let dir = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let environment = Environment::default().with_commit_fault(move |group| {
        count.fetch_add(1, Ordering::SeqCst);
        (group == 3).then(|| "input/output error".to_owned())
    });
    let store = EmbeddedStore::open_with(&options(dir.path()), 8, 1, environment).unwrap();
    let (claimed, ear) = claim(&store, 1).await;
    let (_, bystander) = claim(&store, 2).await;
    for number in 1..=3 {
        let ticket = store.enqueue(claimed.shard, claimed.epoch, &batch(vec![put("n", number)])).unwrap();
        if number < 3 {
            ear.wait(ticket.place).await;
        }
    }
    let failed = Lost::Failed("input/output error".into());
    assert_eq!(ear.lost().await, failed);
    assert_eq!(bystander.lost().await, failed);
    assert_eq!(&*store.failed().await, "input/output error");
    let refused = store.enqueue(claimed.shard, claimed.epoch, &batch(vec![put("n", 4)]));
    assert_eq!(refused, Err(EnqueueError::Failed("input/output error".into())));
    assert_eq!(number(&store, "n").await, Some(2));
    drop(store);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(number(&open(dir.path()), "n").await, Some(2));
}

#[tokio::test]
async fn the_queue_is_bounded_in_commits_and_in_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let one = std::num::NonZeroUsize::MIN;
    let kib = one.saturating_add(1_023);
    let options =
        EmbeddedOptions { queue_commits: one, queue_bytes: kib, group_bytes: kib, ..options(dir.path()) };
    // The committer waits in its first commit for as long as the test holds the lock.
    let gate = Arc::new(std::sync::Mutex::new(()));
    let (held, entered) = (Arc::clone(&gate), Arc::new(AtomicU64::new(0)));
    let inside = Arc::clone(&entered);
    let environment = Environment::default().with_commit_fault(move |_| {
        inside.fetch_add(1, Ordering::SeqCst);
        drop(held.lock().unwrap());
        None
    });
    let store = EmbeddedStore::open_with(&options, 8, 1, environment).unwrap();
    let (claim, ear) = claim(&store, 1).await;
    let enqueue = |name: &str| store.enqueue(claim.shard, claim.epoch, &batch(vec![put(name, 1)]));
    assert!(matches!(enqueue(&"x".repeat(2_000)), Err(EnqueueError::TooLarge { limit: 1_024, .. })));
    let last = {
        let _closed = gate.lock().unwrap();
        enqueue("first").unwrap();
        while entered.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let last = enqueue("second").unwrap();
        assert_eq!(enqueue("third"), Err(EnqueueError::Full));
        last
    };
    ear.wait(last.place).await;
    assert_eq!((store.stats().groups, store.stats().refused_full), (2, 1));
}

#[tokio::test]
async fn what_has_a_ticket_is_durable_when_the_store_has_been_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (claim, _) = claim(&store, 1).await;
    for number in 1..=1_000 {
        store.enqueue(claim.shard, claim.epoch, &batch(vec![put("n", number)])).unwrap();
    }
    store.close();
    assert_eq!(number(&store, "n").await, Some(1_000));
    let refused = store.enqueue(claim.shard, claim.epoch, &Batch::default());
    assert!(matches!(refused, Err(EnqueueError::Failed(_))), "{refused:?}");
    assert!(store.stats().groups < 1_000, "{:?}", store.stats());
}
