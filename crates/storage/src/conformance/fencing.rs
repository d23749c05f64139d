//! Who may write.

use std::sync::Arc;

use denrei_model::position::{Epoch, RecordNumber};
use denrei_model::shard::Shard;

use super::subject::{Ear, Heard, Store, Subject, applies, changes, emits, put};
use crate::shard::{Batch, ClaimError, EnqueueError, Lost};

/// A claim has a higher epoch than every earlier owner, who is refused and hears that it has lost.
pub async fn a_claim_fences_the_owner_before_it<S: Store>(subject: Subject<S>) {
    let unclaimed = subject.store().enqueue(Shard::new(1), Epoch::ZERO, &Batch::default());
    assert_eq!(unclaimed, Err(EnqueueError::NotYours));
    let (first, first_ear) = subject.claim(1).await;
    let (second, second_ear) = subject.claim(1).await;
    assert!(second.epoch > first.epoch);
    let refused = subject.store().enqueue(first.shard, first.epoch, &changes(vec![put("n", 1)]));
    assert_eq!(refused, Err(EnqueueError::NotYours));
    assert_eq!(first_ear.heard().last(), Some(&Heard::Lost(Lost::NotYours)));
    subject.commit(&second, &second_ear, &changes(vec![put("n", 2)])).await;
    assert_eq!(subject.number("n").await, Some(2));
    assert_eq!(first_ear.heard().last(), Some(&Heard::Lost(Lost::NotYours)));
}

/// After `claim` has answered, no batch enqueued under an earlier epoch of that shard becomes durable.
pub async fn nothing_of_a_fenced_owner_becomes_durable<S: Store>(subject: Subject<S>) {
    let (first, _ear) = subject.claim(1).await;
    for number in 1..=500 {
        subject.enqueue(&first, &changes(vec![put("n", number)]));
    }
    let (second, ear) = subject.claim(1).await;
    let at_claim = subject.number("n").await;
    let (other, other_ear) = subject.claim(2).await;
    subject.commit(&other, &other_ear, &changes(vec![put("other", 1)])).await;
    subject.commit(&second, &ear, &changes(vec![put("m", 1)])).await;
    assert_eq!(subject.number("n").await, at_claim);
}

/// A claim tells the last number emitted to each shard and the last one applied from each, of all that is durable.
pub async fn a_claim_says_where_numbers_stand<S: Store>(subject: Subject<S>) {
    let (first, first_ear) = subject.claim(1).await;
    assert!(first.counters.out.is_empty() && first.counters.high_water.is_empty());
    subject.enqueue(&first, &emits(2, 1..=3));
    subject.enqueue(&first, &emits(3, 1..=1));
    subject.enqueue(&first, &applies(4, 1..=2));
    subject.commit(&first, &first_ear, &emits(2, 4..=5)).await;
    let (second, _) = subject.claim(1).await;
    let numbers = |pairs: &[(u16, u64)]| -> Vec<_> {
        pairs.iter().map(|&(shard, number)| (Shard::new(shard), RecordNumber::new(number))).collect()
    };
    assert_eq!(second.counters.out, numbers(&[(2, 5), (3, 1)]));
    assert_eq!(second.counters.high_water, numbers(&[(4, 2)]));
    let (other, _) = subject.claim(2).await;
    assert!(other.counters.out.is_empty() && other.counters.high_water.is_empty());
}

/// Only shards that there are can be claimed.
pub async fn a_shard_that_does_not_exist_cannot_be_claimed<S: Store>(subject: Subject<S>) {
    let claimed = subject.store().claim(Shard::new(60_000), Arc::new(Ear::default())).await;
    assert!(matches!(claimed, Err(ClaimError::Failed(_))), "{claimed:?}");
}
