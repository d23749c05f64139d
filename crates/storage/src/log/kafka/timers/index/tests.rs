//! Memory is bounded, order is kept on disk, partitions do not mix, and nothing is left behind.

use std::path::Path;

use denrei_model::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::log::kafka::timers::record::record_of;
use crate::log::kafka::timers::rows::Rows;
use crate::log::{NewRecord, Offset, Place, Record, TimerChange, TimerId, TimerQuery, TimerRow};

fn stores() -> (TempDir, Stores) {
    let below = tempfile::tempdir().unwrap();
    let stores = Stores::new(Some(below.path().to_owned())).unwrap();
    (below, stores)
}

fn timer(offset: u64, due: u64, bytes: usize) -> TimerRow {
    let id = TimerId { offset: Offset(offset), attempt: 0 };
    // Not to be compressed away.
    let mut x = offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let random = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_be_bytes()[0]
    });
    TimerRow { id, due: Timestamp::from_millis(due), payload: random.take(bytes).collect::<Vec<_>>().into() }
}

fn tail(rows: &Rows<Index>, change: TimerChange) {
    let NewRecord { key, value, headers, .. } = record_of(&Place::new("t", 0), change);
    let timestamp = Timestamp::from_millis(0);
    rows.apply(&Record { offset: Offset(0), timestamp, key, value, headers }, false).unwrap();
}

/// All timers, read a page at a time: their numbers.
fn all(rows: &Rows<Index>) -> Vec<u64> {
    let (mut found, mut query) = (Vec::new(), TimerQuery { bytes: 1 << 20, ..TimerQuery::first(1_000) });
    loop {
        let page = rows.list(query).unwrap();
        let Some(last) = page.last() else { return found };
        assert!(query.after < Some((last.due, last.id)), "in order");
        query.after = Some((last.due, last.id));
        found.extend(page.into_iter().map(|row| row.id.offset.0));
    }
}

/// Bytes of the files below a directory, but for the journals of fjall.
fn tables(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let size =
        |path: &Path| if path.is_dir() { tables(path) } else { path.metadata().map_or(0, |m| m.len()) };
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none_or(|e| e != "jnl"))
        .map(|path| size(&path))
        .sum()
}

fn left(below: &Path) -> usize {
    std::fs::read_dir(below).unwrap().count()
}

#[test]
fn memory_is_bounded_while_50_000_timers_wait_and_all_come_in_their_order_from_the_disk() {
    let (_below, stores) = stores();
    let partitions: Vec<_> = (0..25).map(|_| Rows::new(stores.index().unwrap())).collect();
    let mut most = 0;
    for n in 0..50_000_u64 {
        let rows = &partitions[usize::try_from(n).unwrap() % partitions.len()];
        tail(rows, TimerChange::Put(timer(n, (n * 7_919) % 50_000, 4_000)));
        if n % 100 == 0 {
            most = most.max(stores.stats().memory_bytes);
        }
    }
    let put = stores.stats();
    assert!(put.disk_bytes > 150_000_000, "200 MB wait on disk: {put:?}");
    for (number, rows) in (0..).zip(&partitions) {
        let found = all(rows);
        most = most.max(stores.stats().memory_bytes);
        let mut expect: Vec<u64> = (0..50_000).filter(|n| n % 25 == number).collect();
        expect.sort_by_key(|n| (n * 7_919) % 50_000);
        assert_eq!(found, expect, "partition {number}");
    }
    println!("at most {most} bytes in memory, {} on disk", put.disk_bytes);
    assert!(most <= TimerIndexes::MOST_MEMORY_BYTES, "{most} bytes in memory");
    assert_eq!(put.partitions, 25);
}

#[test]
fn a_timer_that_went_to_the_disk_is_moved_replaced_and_cancelled() {
    let (_below, stores) = stores();
    let rows = Rows::new(stores.index().unwrap());
    (0..2_000).for_each(|n| tail(&rows, TimerChange::Put(timer(n, n, 2_000))));
    rows.cells().flush();
    let (moved, tried, ended) = (timer(7, 7, 2_000), timer(8, 8, 2_000), timer(9, 9, 2_000));
    let later = TimerRow { due: Timestamp::from_millis(9_999), ..moved.clone() };
    tail(&rows, TimerChange::Replace(moved.mark(), later.clone()));
    tail(&rows, TimerChange::Replace(tried.mark(), timer(8, 5_000, 10)));
    tail(&rows, TimerChange::End(ended.version()));
    tail(&rows, TimerChange::Delete(timer(10, 0, 0).id));
    rows.cells().flush();
    // Late for what is no longer there.
    tail(&rows, TimerChange::Replace(tried.mark(), timer(8, 1, 1)));
    let expect: Vec<u64> = (0..2_000).filter(|n| !(7..=10).contains(n)).chain([8, 7]).collect();
    assert_eq!(all(&rows), expect);
    let query = TimerQuery { after: Some((Timestamp::from_millis(5_000), tried.id)), ..TimerQuery::first(9) };
    assert_eq!(rows.list(query).unwrap(), [later], "with what it carried");
    assert!(rows.is_unsettled());
}

#[test]
fn two_partitions_with_the_same_timers_do_not_mix_and_one_goes_without_the_other() {
    let (_below, stores) = stores();
    let [one, other] = [0, 1].map(|_| Rows::new(stores.index().unwrap()));
    (0..10).for_each(|n| tail(&one, TimerChange::Put(timer(n, n, 2_000))));
    (5..15).for_each(|n| tail(&other, TimerChange::Put(timer(n, 100 - n, 2_000))));
    tail(&one, TimerChange::Delete(timer(7, 0, 0).id));
    one.cells().flush();
    assert_eq!(all(&one), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    assert_eq!(all(&other), (5..15).rev().collect::<Vec<_>>());
    drop(one);
    assert_eq!(all(&other), (5..15).rev().collect::<Vec<_>>());
    assert!(all(&Rows::new(stores.index().unwrap())).is_empty(), "the next begins empty");
}

#[test]
fn the_directory_is_there_with_the_first_partition_and_gone_with_the_last() {
    let (below, stores) = stores();
    assert_eq!(left(below.path()), 0, "nobody needs it yet");
    let [one, other] = [0, 1].map(|_| Rows::new(stores.index().unwrap()));
    (0..1_000).for_each(|n| tail(&one, TimerChange::Put(timer(n, n, 2_000))));
    one.cells().flush();
    assert_eq!((left(below.path()), stores.stats().partitions), (1, 2));
    let both = stores.stats().disk_bytes;
    drop(one);
    assert_eq!((left(below.path()), stores.stats().partitions), (1, 1));
    assert!(stores.stats().disk_bytes + 1_900_000 < both, "what it held went with it");
    drop(other);
    assert_eq!((left(below.path()), stores.stats()), (0, TimerIndexes::default()));
}

#[test]
fn what_a_partition_had_on_the_disk_goes_with_it_although_another_is_quiet() {
    let (below, stores) = stores();
    let [quiet, one] = [0, 1].map(|_| Rows::new(stores.index().unwrap()));
    tail(&quiet, TimerChange::Put(timer(1, 1, 10)));
    // More than a journal of fjall, which remembers whose it is until all have flushed.
    (0..9_000).for_each(|n| tail(&one, TimerChange::Put(timer(n, n, 10_000))));
    one.cells().flush();
    assert!(tables(below.path()) > 80_000_000);
    drop(one);
    for _ in 0..1_000 {
        if tables(below.path()) < 1_000_000 {
            return assert_eq!(all(&quiet), [1]);
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{} bytes are left", tables(below.path()));
}

#[test]
fn an_index_that_cannot_be_read_says_so_and_the_next_one_is_another() {
    let (below, stores) = stores();
    let rows = Rows::new(stores.index().unwrap());
    (0..100).for_each(|n| tail(&rows, TimerChange::Put(timer(n, n, 2_000))));
    rows.cells().flush();
    let directory = std::fs::read_dir(below.path()).unwrap().next().unwrap().unwrap().path();
    spoil(&directory.join("rows"));
    let error = rows.list(TimerQuery::first(100)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&*directory.to_string_lossy()), "{error}");
    let next = Rows::new(stores.index().unwrap());
    tail(&next, TimerChange::Put(timer(1, 1, 2_000)));
    assert_eq!(all(&next), [1]);
    drop(rows);
    assert!(!directory.exists());
    assert_eq!(left(below.path()), 1);
}

/// Cuts all that is there to nothing.
fn spoil(path: &Path) {
    for entry in std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            spoil(&entry);
        } else {
            std::fs::write(&entry, "").unwrap();
        }
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_refused_with_what_to_do() {
    let below = tempfile::tempdir().unwrap();
    let file = below.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Stores::new(Some(file.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()), "{text}");
    assert!(text.contains("may write to, or name another one by KafkaOptions::timers_dir"), "{text}");
}

#[test]
fn a_store_that_failed_is_waited_for_by_nobody_and_counted_until_all_let_go_of_it() {
    let (below, stores) = stores();
    let [one, other] = [0, 1].map(|_| Rows::new(stores.index().unwrap()));
    one.cells().fail("no disk");
    one.cells().fail("again");
    let error = other.cells().write(vec![(b"key".to_vec(), None)]).unwrap_err();
    assert!(error.to_string().contains("no disk"), "{error}");
    assert_eq!(stores.failures(), 1, "one store");
    let next = stores.index().unwrap();
    next.write(vec![(b"key".to_vec(), None)]).unwrap();
    assert_eq!((left(below.path()), stores.stats().partitions), (2, 3));
    drop((one, other));
    assert_eq!((left(below.path()), stores.stats().partitions), (1, 1));
}

#[test]
fn a_page_shows_each_timer_once_while_timers_move() {
    const TIMERS: u64 = 300;
    let (_below, stores) = stores();
    let rows = Rows::new(stores.index().unwrap());
    (0..TIMERS).for_each(|n| tail(&rows, TimerChange::Put(timer(n, n, 10))));
    let is_over = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // There and back, past the others; and to the disk at times.
            for round in 1..1_000 {
                for n in 0..TIMERS {
                    let due = if round % 2 == 0 { n } else { 1_000 - n };
                    tail(&rows, TimerChange::Put(timer(n, due, 10)));
                    if is_over.load(Ordering::SeqCst) > 0 {
                        return;
                    }
                }
                if round % 16 == 0 {
                    rows.cells().flush();
                }
            }
        });
        let pages = (0..100).map(|_| {
            let page = rows.list(TimerQuery { bytes: 1 << 20, ..TimerQuery::first(1_000) }).unwrap();
            let mut found: Vec<u64> = page.into_iter().map(|row| row.id.offset.0).collect();
            found.sort_unstable();
            found
        });
        let wrong = pages.filter(|found| *found != (0..TIMERS).collect::<Vec<_>>()).count();
        is_over.store(1, Ordering::SeqCst);
        assert_eq!(wrong, 0, "of 100 pages");
    });
}
