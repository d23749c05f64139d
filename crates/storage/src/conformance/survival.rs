//! What the next process finds.

use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;

use super::subject::{Store, Subject, applies, changes, emits, put};

/// What was announced is there after a restart: rows, numbers and records.
pub async fn what_was_announced_survives<S: Store>(mut subject: Subject<S>) {
    let (source, source_ear) = subject.claim(1).await;
    let (destination, destination_ear) = subject.claim(2).await;
    subject.commit(&source, &source_ear, &changes(vec![put("n", 7)])).await;
    subject.commit(&source, &source_ear, &emits(2, 1..=5)).await;
    subject.commit(&destination, &destination_ear, &applies(1, 1..=3)).await;
    subject.reopen();
    assert_eq!(subject.number("n").await, Some(7));
    let records =
        subject.store().pending(Shard::new(2), Shard::new(1), RecordNumber::ZERO, 10).await.unwrap();
    assert_eq!(records.iter().map(|record| record.number.get()).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(subject.store().sources(Shard::new(2)).await.unwrap(), [Shard::new(1)]);
    let (source, _) = subject.claim(1).await;
    assert_eq!(source.counters.out, [(Shard::new(2), RecordNumber::new(5))]);
    let (destination, _) = subject.claim(2).await;
    assert_eq!(destination.counters.high_water, [(Shard::new(1), RecordNumber::new(3))]);
}

/// No read shows what a crash could take back.
pub async fn what_was_read_survives<S: Store>(mut subject: Subject<S>) {
    for round in 1..=5 {
        let (claim, _ear) = subject.claim(1).await;
        for number in 1..=100 {
            subject.enqueue(&claim, &changes(vec![put("n", round * 1_000 + number)]));
        }
        let seen = subject.number("n").await;
        subject.reopen();
        assert!(subject.number("n").await >= seen, "{seen:?} was shown and is gone");
    }
}

/// What survives of one shard's batches is all up to some place and nothing after it; of all shards' where records may
/// be applied early.
pub async fn what_survives_is_a_prefix<S: Store>(mut subject: Subject<S>) {
    let (a, _) = subject.claim(1).await;
    let (b, _) = subject.claim(2).await;
    for number in 1..=200 {
        subject.enqueue(&a, &changes(vec![put(&format!("a{number}"), number)]));
        subject.enqueue(&b, &changes(vec![put(&format!("b{number}"), number)]));
    }
    let fifo = subject.store().early_apply();
    subject.reopen();
    let mut counts = [0, 0];
    for (shard, count) in ["a", "b"].iter().zip(&mut counts) {
        let mut ended = false;
        for number in 1..=200 {
            let there = subject.number(&format!("{shard}{number}")).await.is_some();
            assert!(!(ended && there), "{shard}{number} is there, but not the one before");
            ended = !there;
            *count += u64::from(there);
        }
    }
    let [a, b] = counts;
    assert!(!fifo || a == b || a == b + 1, "{a} and {b} of two shards that took turns");
}

/// A claim after a restart has a higher epoch than every one before.
pub async fn epochs_rise_over_restarts<S: Store>(mut subject: Subject<S>) {
    let mut before = None;
    for _ in 0..3 {
        for _ in 0..3 {
            let (claim, _) = subject.claim(1).await;
            assert!(Some(claim.epoch) > before);
            before = Some(claim.epoch);
        }
        subject.reopen();
    }
}
