//! Timers that wait on Kafka are on the disk of whoever owns them, and in his memory only so far.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::Timestamp;
use denrei_model::clock::SystemClock;
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions, TimerIndexes};
use denrei_storage::log::{
    Epoch, ErrorKind, GroupId, Log, LogError, Offset, Place, TimerChange, TimerId, TimerQuery, TimerRow,
    Timers, TopicConfig, TopicName,
};
use tempfile::TempDir;

use crate::backends::kafka_address;

const EPOCH: Epoch = Epoch(1);
const SOON: Duration = Duration::from_millis(50);

/// A log with a directory of its own, and one more user of the same cluster.
struct Ground {
    dir: TempDir,
    log: KafkaLog,
    timers: Arc<dyn Timers>,
    /// Puts timers, and owns nothing.
    others: Arc<dyn Timers>,
    place: Place,
}

impl Ground {
    /// None, said aloud, if there is no broker.
    async fn new(promise: &str) -> Option<Self> {
        let Some(servers) = kafka_address() else {
            println!("SKIPPED {promise}: DENREI_KAFKA not set");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let options = KafkaOptions::new(servers);
        let here = KafkaOptions { timers_dir: Some(dir.path().to_owned()), ..options.clone() };
        let log = KafkaLog::new(here, Arc::new(SystemClock::new())).unwrap();
        let others = KafkaLog::new(options, Arc::new(SystemClock::new())).unwrap();
        let name = format!("waiting-{}-{}", promise.len(), std::process::id());
        let (topic, group) = (TopicName::from(name.as_str()), GroupId::from(name.as_str()));
        log.admin().create_topic(&topic, TopicConfig::new(1)).await.unwrap();
        let (timers, others) = (log.timers(&group), others.timers(&group));
        Some(Self { dir, timers, others, log, place: Place::new(topic, 0) })
    }

    async fn put(&self, count: u64, bytes: usize) {
        for first in (0..count).step_by(500) {
            let puts = (first..count.min(first + 500)).map(|n| TimerChange::Put(timer(n, count, bytes)));
            self.others.change(&self.place, None, puts.collect()).await.unwrap();
        }
    }

    async fn open(&self) -> u64 {
        let mut most = 0;
        let mut open = self.timers.open(&self.place, EPOCH);
        loop {
            // One that takes long is opened again, as the queue does it.
            match tokio::time::timeout(SOON, &mut open).await {
                Ok(Ok(())) => return most,
                Ok(Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                    open = self.timers.open(&self.place, EPOCH);
                }
                Err(_) => most = most.max(self.log.timer_indexes().memory_bytes),
            }
        }
    }

    /// The numbers of all timers, read by pages.
    async fn all(&self) -> Result<Vec<u64>, LogError> {
        let (mut found, mut query) = (Vec::new(), TimerQuery { bytes: 1 << 20, ..TimerQuery::first(1_000) });
        loop {
            let page = self.timers.list(&self.place, query).await?;
            let Some(last) = page.last() else { return Ok(found) };
            query.after = Some((last.due, last.id));
            found.extend(page.into_iter().map(|row| row.id.offset.0));
        }
    }

    async fn close(&self) {
        self.timers.close(&self.place, EPOCH);
        for _ in 0..200 {
            if std::fs::read_dir(self.dir.path()).unwrap().count() == 0 {
                return;
            }
            tokio::time::sleep(SOON).await;
        }
        panic!("the index is left behind");
    }
}

/// Due in another order than that in which they are put.
fn timer(number: u64, count: u64, bytes: usize) -> TimerRow {
    let id = TimerId { offset: Offset(number), attempt: 0 };
    let payload = [&number.to_be_bytes()[..], &vec![7; bytes]].concat();
    TimerRow { id, due: Timestamp::from_millis(due(number, count)), payload: payload.into() }
}

fn due(number: u64, count: u64) -> u64 {
    (number * 7_919) % count
}

fn in_order(count: u64, is_there: impl Fn(&u64) -> bool) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..count).filter(is_there).collect();
    numbers.sort_by_key(|number| due(*number, count));
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_50_000_timers_holds_a_bounded_part_of_them_and_leaves_nothing_behind() {
    let promise = "an_owner_of_50_000_timers_holds_a_bounded_part_of_them_and_leaves_nothing_behind";
    let Some(ground) = Ground::new(promise).await else { return };
    let count = 50_000;
    ground.put(count, 3_000).await;
    let mut most = ground.open().await;
    assert_eq!(ground.all().await.unwrap(), in_order(count, |_| true));
    let stats = ground.log.timer_indexes();
    most = most.max(stats.memory_bytes);
    println!("{most} bytes in memory, {stats:?}");
    assert!(most <= TimerIndexes::MOST_MEMORY_BYTES, "{most} bytes in memory");
    assert_eq!(stats.partitions, 1);
    ground.close().await;
    assert_eq!(ground.log.timer_indexes(), TimerIndexes::default());
    // Nobody owns them now: whoever looks reads them all, and keeps none.
    let few = TimerQuery::first(3);
    let found: Vec<u64> =
        ground.timers.list(&ground.place, few).await.unwrap().iter().map(|row| row.id.offset.0).collect();
    assert_eq!(found, in_order(count, |_| true)[..3]);
    ground.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_whose_index_is_lost_are_read_from_the_log_again_and_meanwhile_none_is_shown_wrong() {
    let promise = "timers_whose_index_is_lost_are_read_from_the_log_again_and_meanwhile_none_is_shown_wrong";
    let Some(ground) = Ground::new(promise).await else { return };
    let (count, bytes) = (10_000, 3_000);
    ground.put(count, bytes).await;
    ground.open().await;
    let delete = |number| TimerChange::Delete(timer(number, count, 0).id);
    let change = |change| ground.timers.change(&ground.place, Some(EPOCH), vec![change]);
    change(delete(0)).await.unwrap();
    let expect = in_order(count, |number| *number > 0);
    assert_eq!(ground.all().await.unwrap(), expect);
    spoil(ground.dir.path());
    let error = loop {
        match ground.all().await {
            Ok(found) => assert_eq!(found, expect, "what was in memory still"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains(&*ground.dir.path().to_string_lossy()), "{error}");
    // What is done meanwhile is done.
    change(delete(1)).await.unwrap();
    let expect = in_order(count, |number| *number > 1);
    for tries in 0.. {
        match ground.all().await {
            Ok(found) => {
                assert_eq!(found, expect, "after {tries} tries");
                break;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        assert!(tries < 600, "it does not come back");
        tokio::time::sleep(SOON).await;
    }
    change(delete(2)).await.unwrap();
    assert_eq!(ground.all().await.unwrap(), in_order(count, |number| *number > 2));
    ground.close().await;
}

/// Cuts what is on the disk to nothing.
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
fn a_directory_for_timers_that_cannot_be_written_to_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let options = KafkaOptions { timers_dir: Some(file.clone()), ..KafkaOptions::new("127.0.0.1:1") };
    let error = KafkaLog::new(options, Arc::new(SystemClock::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
    assert!(error.to_string().contains("name another one by KafkaOptions::timers_dir"), "{error}");
}
