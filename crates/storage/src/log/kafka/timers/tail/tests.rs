//! What is said of timers while an index fails and another one is filled. Nothing is read from a broker here.

use denrei_model::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::log::kafka::timers::record::record_of;
use crate::log::{NewRecord, Place, TimerChange, TimerId, TimerQuery, TimerRow};

const P: Partition = Partition(0);

const NOTHING: Watermarks = Watermarks { start: Offset(0), end: Offset(0) };

struct Ground {
    tail: Tail,
    turn: u64,
    below: TempDir,
}

fn timer(number: u64) -> TimerRow {
    let id = TimerId { offset: Offset(number), attempt: 0 };
    TimerRow { id, due: Timestamp::from_millis(number), payload: "task".into() }
}

impl Ground {
    fn new(marks: Watermarks) -> Self {
        let below = tempfile::tempdir().unwrap();
        let tail = Tail::new(Arc::new(Stores::new(Some(below.path().to_owned())).unwrap()));
        tail.announce(P, Epoch(1));
        tail.open(P, Epoch(1), marks).unwrap();
        Self { tail, turn: 0, below }
    }

    fn apply(&self, offset: u64, change: TimerChange) {
        let NewRecord { key, value, headers, .. } = record_of(&Place::new("t", 0), change);
        let timestamp = Timestamp::from_millis(0);
        let record = Record { offset: Offset(offset), timestamp, key, value, headers };
        self.tail.apply(&BTreeMap::from([(P.0, self.turn)]), P.0, &record);
    }

    fn there(&self) -> Result<Vec<u64>, String> {
        let rows = self.tail.rows(P).unwrap().map_err(|error| error.to_string())?;
        let rows = rows.upgrade().unwrap().list(TimerQuery::first(9)).unwrap();
        Ok(rows.into_iter().map(|row| row.id.offset.0).collect())
    }

    /// Whether somebody who wrote up to `end` is answered at once.
    async fn is_answered(&self, end: u64) -> bool {
        tokio::time::timeout(Duration::from_millis(1), self.tail.caught_up(P, Offset(end))).await.is_ok()
    }
}

#[tokio::test]
async fn a_failed_index_says_nothing_until_another_has_all_that_was_answered_for() {
    let marks = Watermarks { start: Offset(0), end: Offset(2) };
    let mut ground = Ground::new(marks);
    let puts = || (0..2).for_each(|n| ground.apply(n, TimerChange::Put(timer(n))));
    puts();
    assert_eq!(ground.there(), Ok(vec![0, 1]));
    assert!(!ground.is_answered(3).await, "a write is answered once it is tailed");

    let rows = ground.tail.rows(P).unwrap().unwrap();
    ground.tail.failed(P, &rows, &LogError::new(ErrorKind::Unavailable, "no disk"));
    assert!(ground.there().unwrap_err().contains("no disk"));
    assert!(ground.is_answered(3).await, "what is durable is durable");

    // The next begins before it has heard of that. What was read for the one before is of the past.
    ground.tail.replace(P.0, marks).unwrap();
    ground.apply(0, TimerChange::Put(timer(9)));
    ground.turn = 1;
    (0..2).for_each(|n| ground.apply(n, TimerChange::Put(timer(n))));
    assert!(ground.there().unwrap_err().contains("read from the log again"), "one of them is deleted");
    assert!(ground.is_answered(4).await);
    ground.apply(2, TimerChange::Delete(timer(0).id));
    assert!(ground.there().is_err(), "another one, too");
    ground.apply(3, TimerChange::Put(timer(3)));
    assert_eq!(ground.there(), Ok(vec![1, 3]));
    assert!(!ground.is_answered(5).await, "as before");
}

#[tokio::test]
async fn timers_are_let_go_of_where_the_disk_may_be_waited_for() {
    let ground = Ground::new(NOTHING);
    let rows = ground.tail.rows(P).unwrap().unwrap();
    ground.tail.close(P, Epoch(2));
    assert!(ground.tail.rows(P).is_some(), "another owner's");
    ground.tail.close(P, Epoch(1));
    assert!(ground.tail.rows(P).is_none());
    assert!(rows.upgrade().is_some(), "not by who closes them");
    ground.tail.left.lock().clear();
    assert!(rows.upgrade().is_none());
}

/// What an owner is told who has announced himself, if this happens while he waits for the disk.
fn late(tail: &Tail, epoch: Epoch, meanwhile: impl FnOnce()) -> Result<(), ErrorKind> {
    tail.announce(P, epoch);
    let disk = tail.stores.busy();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| tail.open(P, epoch, NOTHING));
        std::thread::sleep(Duration::from_millis(50));
        meanwhile();
        drop(disk);
        opened.join().unwrap().map_err(|error| error.kind())
    })
}

#[test]
fn a_partition_that_was_closed_while_it_was_opened_is_not_tailed() {
    let ground = Ground::new(NOTHING);
    let tail = &ground.tail;
    tail.close(P, Epoch(1));
    assert_eq!(late(tail, Epoch(2), || tail.close(P, Epoch(2))), Err(ErrorKind::NotOwner));
    assert_eq!(tail.epoch(P), None);
    assert_eq!(late(tail, Epoch(2), || tail.close(P, Epoch(1))), Ok(()), "another owner's");
    assert_eq!(tail.epoch(P), Some(Epoch(2)));
}

#[test]
fn an_owner_who_comes_late_does_not_take_the_partition_from_the_next_one() {
    let ground = Ground::new(NOTHING);
    let tail = &ground.tail;
    tail.close(P, Epoch(1));
    assert_eq!(late(tail, Epoch(2), || tail.announce(P, Epoch(3))), Err(ErrorKind::NotOwner));
    assert_eq!(tail.open(P, Epoch(3), NOTHING).map_err(|error| error.kind()), Ok(()));
    tail.close(P, Epoch(2));
    tail.announce(P, Epoch(2));
    assert_eq!(tail.open(P, Epoch(2), NOTHING).map_err(|error| error.kind()), Err(ErrorKind::NotOwner));
    assert_eq!(tail.epoch(P), Some(Epoch(3)));
    tail.close(P, Epoch(3));
    assert_eq!(late(tail, Epoch(4), || tail.announce(P, Epoch(2))), Ok(()), "the one before comes back");
    assert_eq!(tail.epoch(P), Some(Epoch(4)));
}

#[test]
fn what_shares_a_store_with_an_index_that_failed_is_let_go_of_too() {
    let ground = Ground::new(NOTHING);
    let (tail, other) = (&ground.tail, Partition(1));
    tail.announce(other, Epoch(1));
    tail.open(other, Epoch(1), NOTHING).unwrap();
    let directories = || std::fs::read_dir(ground.below.path()).unwrap().count();
    assert_eq!((directories(), tail.stores.stats().partitions), (1, 2));
    // Nobody is there.
    let reader: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", "127.0.0.1:1")
        .set("group.id", "none")
        .create()
        .unwrap();
    std::thread::scope(|scope| {
        let following = scope.spawn(|| tail.follow(&reader, &TopicName::from("t")));
        std::thread::sleep(TICK * 3);
        let failed = tail.rows(P).unwrap().unwrap().upgrade().unwrap().cells().fail("no disk");
        assert_eq!(failed.kind(), ErrorKind::Unavailable);
        for _ in (0..500).take_while(|_| directories() > 0) {
            std::thread::sleep(TICK);
        }
        let held = (directories(), tail.stores.stats());
        let failed = tail.partitions.lock().values().filter(|tailed| tailed.rows.is_err()).count();
        tail.end();
        following.join().unwrap();
        assert_eq!((held, failed), ((0, Default::default()), 2));
    });
}
