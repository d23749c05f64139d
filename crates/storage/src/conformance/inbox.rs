//! Records between shards.

use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;

use super::subject::{Store, Subject, applies, emits};

async fn pending<S: Store>(subject: &Subject<S>, after: u64, limit: usize) -> Vec<u64> {
    let after = RecordNumber::new(after);
    let records = subject.store().pending(Shard::new(2), Shard::new(1), after, limit).await.unwrap();
    for record in &records {
        assert_eq!(record.from, Shard::new(1));
        assert_eq!(record.record, format!("record {}", record.number));
    }
    records.iter().map(|record| record.number.get()).collect()
}

/// `pending` gives the records above a number, in order, until a batch of the destination has applied them.
pub async fn records_wait_in_order_until_they_are_applied<S: Store>(subject: Subject<S>) {
    let (source, source_ear) = subject.claim(1).await;
    let (destination, destination_ear) = subject.claim(2).await;
    subject.commit(&source, &source_ear, &emits(2, 1..=200)).await;
    subject.commit(&source, &source_ear, &emits(2, 201..=300)).await;
    assert_eq!(pending(&subject, 0, 1_000).await, (1..=300).collect::<Vec<_>>());
    assert_eq!(pending(&subject, 254, 4).await, [255, 256, 257, 258]);
    assert_eq!(pending(&subject, 300, 4).await, [0; 0]);
    subject.commit(&destination, &destination_ear, &applies(1, 1..=256)).await;
    assert_eq!(pending(&subject, 0, 3).await, [257, 258, 259]);
    let others = subject.store().pending(Shard::new(1), Shard::new(2), RecordNumber::ZERO, 10).await;
    assert_eq!(others.unwrap(), []);
}

/// A record that is applied while neither side is durable leaves its numbers and nothing else.
pub async fn a_record_applied_before_it_is_durable_leaves_nothing<S: Store>(subject: Subject<S>) {
    let (source, _) = subject.claim(1).await;
    let (destination, ear) = subject.claim(2).await;
    let mut last = None;
    for number in 1..=300 {
        subject.enqueue(&source, &emits(2, [number]));
        last = Some(subject.enqueue(&destination, &applies(1, [number])));
    }
    ear.wait(last.unwrap().place).await;
    assert_eq!(pending(&subject, 0, 1_000).await, [0; 0]);
    assert_eq!(subject.store().sources(Shard::new(2)).await.unwrap(), []);
    let (source, _) = subject.claim(1).await;
    let (destination, _) = subject.claim(2).await;
    assert_eq!(source.counters.out, [(Shard::new(2), RecordNumber::new(300))]);
    assert_eq!(destination.counters.high_water, [(Shard::new(1), RecordNumber::new(300))]);
}

/// `sources` names the shards with records that were not applied, and no other.
pub async fn sources_are_those_with_records_left<S: Store>(subject: Subject<S>) {
    let (destination, destination_ear) = subject.claim(2).await;
    for from in [1, 3, 7] {
        let (source, ear) = subject.claim(from).await;
        subject.commit(&source, &ear, &emits(2, 1..=2)).await;
        subject.commit(&source, &ear, &emits(4, 1..=1)).await;
    }
    let sources = async || subject.store().sources(Shard::new(2)).await.unwrap();
    assert_eq!(sources().await, [1, 3, 7].map(Shard::new));
    subject.commit(&destination, &destination_ear, &applies(3, 1..=2)).await;
    subject.commit(&destination, &destination_ear, &applies(7, 1..=1)).await;
    assert_eq!(sources().await, [1, 7].map(Shard::new));
    assert_eq!(subject.store().sources(Shard::new(5)).await.unwrap(), []);
}
