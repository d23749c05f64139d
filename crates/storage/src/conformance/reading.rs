//! What readers see.

use denrei_model::row::{AccountKey, Change, Key, KeyRange, NameKey};

use super::subject::{Store, Subject, changes, key, put};
use crate::shard::{Fetch, Scan};

/// Of a batch all is readable, or nothing.
pub async fn a_batch_is_seen_as_a_whole_or_not_at_all<S: Store>(subject: Subject<S>) {
    let (claim, ear) = subject.claim(1).await;
    let mut last = None;
    for number in 1..=200_u64 {
        let names = ["a", "b", "c"].map(|name| put(name, number));
        last = Some(subject.enqueue(&claim, &changes(names.to_vec())));
        let keys = ["a", "b", "c"].map(|name| Key::from(key(name))).to_vec();
        let seen = subject.store().fetch(Fetch { keys, scans: vec![] }).await.unwrap();
        let numbers = [0, 1, 2].map(|index| seen.row::<NameKey>(index).map(|row| row.until));
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]), "a batch was torn: {numbers:?}");
    }
    ear.wait(last.unwrap().place).await;
    assert_eq!(subject.number("c").await, Some(200));
}

/// Who was told `committed` can read it.
pub async fn who_was_told_can_read<S: Store>(subject: Subject<S>) {
    let (claim, ear) = subject.claim(1).await;
    for number in 1..=50 {
        subject.commit(&claim, &ear, &changes(vec![put("n", number)])).await;
        assert_eq!(subject.number("n").await, Some(number));
    }
}

/// Batches of one shard take effect in order, and so do the changes of a batch.
pub async fn the_last_write_of_a_key_wins<S: Store>(subject: Subject<S>) {
    let (claim, ear) = subject.claim(1).await;
    subject.enqueue(&claim, &changes(vec![put("twice", 1), put("twice", 2), put("gone", 1)]));
    subject.enqueue(&claim, &changes(vec![put("twice", 3), Change::delete(key("gone"))]));
    subject.enqueue(&claim, &changes(vec![Change::delete(key("back"))]));
    subject.commit(&claim, &ear, &changes(vec![put("back", 4)])).await;
    assert_eq!(subject.number("twice").await, Some(3));
    assert_eq!(subject.number("gone").await, None);
    assert_eq!(subject.number("back").await, Some(4));
    subject.commit(&claim, &ear, &changes(vec![Change::delete(key("back"))])).await;
    assert_eq!(subject.number("back").await, None);
}

/// A range gives the rows of its table from its first key to before its last, in order from either end, up to a limit.
pub async fn ranges_are_read_in_order_from_either_end<S: Store>(subject: Subject<S>) {
    let (claim, ear) = subject.claim(1).await;
    let rows = ["a", "b", "ba", "c", "d"].map(|name| put(name, 1)).to_vec();
    subject.commit(&claim, &ear, &changes(rows)).await;
    let range = |from: &str, to: &str| KeyRange::new(key(from), key(to));
    let cases = [
        (Scan::forward(range("b", "d"), 10), vec!["b", "ba", "c"]),
        (Scan::backward(range("b", "d"), 10), vec!["c", "ba", "b"]),
        (Scan::forward(range("a", "z"), 2), vec!["a", "b"]),
        (Scan::backward(range("a", "z"), 2), vec!["d", "c"]),
        (Scan::forward(range("a", "z"), 0), vec![]),
        (Scan::forward(range("x", "z"), 9), vec![]),
        (Scan::forward(range("c", "c"), 9), vec![]),
        (Scan::forward(range("d", "a"), 9), vec![]),
        (Scan::backward(KeyRange::new(key("a"), AccountKey { account: Default::default() }), 9), vec![]),
    ];
    let scans = cases.iter().map(|(scan, _)| scan.clone()).collect();
    let fetched = subject.store().fetch(Fetch { keys: vec![], scans }).await.unwrap();
    for (index, (scan, expected)) in cases.iter().enumerate() {
        let names: Vec<_> = fetched.scan::<NameKey>(index).map(|(key, _)| key.clone()).collect();
        let expected: Vec<Key> = expected.iter().map(|name| key(name).into()).collect();
        assert_eq!(names, expected, "{scan:?}");
    }
}

/// A snapshot is one moment of the store, whatever is written later.
pub async fn a_moment_stays_as_it_is<S: Store>(subject: Subject<S>) {
    let (claim, ear) = subject.claim(1).await;
    subject.commit(&claim, &ear, &changes(vec![put("n", 1)])).await;
    let moment = subject.store().snapshot().await.unwrap();
    subject.commit(&claim, &ear, &changes(vec![put("n", 2), put("m", 2)])).await;
    let fetch = Fetch { keys: vec![key("n").into(), key("m").into()], scans: vec![] };
    let seen = moment.fetch(fetch).await.unwrap();
    assert_eq!(seen.row::<NameKey>(0).map(|row| row.until), Some(1));
    assert_eq!(seen.rows[1], None);
    assert_eq!(subject.number("n").await, Some(2));
}
