//! What becomes of letters that are larger than their topic takes.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use denrei_storage::log::{
    GroupOffset, LocalLog, LocalOptions, Log as _, Record, Sent, TopicInfo, Watermarks,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::*;
use crate::testing::TokioClock;

#[tokio::test(start_paused = true)]
async fn a_letter_larger_than_its_topic_takes_waits_until_that_takes_more() {
    let clock = Arc::new(TokioClock::at(Timestamp::from_millis(0)));
    let log = LocalLog::memory(clock, LocalOptions::default()).unwrap();
    let (admin, group, failed) = (log.admin(), GroupId::from("g"), Arc::new(AtomicU64::new(0)));
    let place = Place::new("t", 0);
    let topic = dead_letter_topic(&place.topic, &group);
    let small = TopicConfig { max_record_bytes: 1_000, ..TopicConfig::new(1) };
    admin.create_topic(&topic, small).await.unwrap();
    let failures = metrics::Counter::from_arc(Arc::clone(&failed));
    let cemetery = Cemetery {
        producer: log.producer(),
        admin: Arc::clone(&admin),
        group,
        failures,
        asked: Asked::default(),
    };
    let (offset, at) = (Offset(7), Timestamp::from_millis(0));
    let value = Some(Bytes::from(vec![7; 2_000]));
    let (key, headers, reason) = (None, Vec::new(), "hopeless".to_owned());
    let letter = Letter { place, offset, key, value: value.clone(), headers, attempts: 1, reason, at };
    let burial = tokio::spawn(cemetery.bury(letter));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(!burial.is_finished());
    let tries = failed.load(Ordering::SeqCst);
    assert!((119..=121).contains(&tries), "{tries} failures were counted in an hour");
    admin.delete_topic(&topic).await.unwrap();
    admin.create_topic(&topic, TopicConfig::new(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    burial.await.unwrap();
    let written = admin.read(&Place { topic, partition: Partition(0) }, Offset(0), 9).await.unwrap();
    assert_eq!(written.iter().map(|record| &record.value).collect::<Vec<_>>(), [&value]);
}

/// Refuses, as a producer of Kafka does, what is larger than its topic took when it was last asked for.
struct Learned {
    log: LocalLog,
    limit: Arc<AtomicUsize>,
    /// How often it was asked.
    asked: AtomicUsize,
}

impl Learned {
    fn new(log: &LocalLog, limit: &Arc<AtomicUsize>) -> Self {
        Self { log: log.clone(), limit: Arc::clone(limit), asked: AtomicUsize::new(0) }
    }
}

impl Producer for Learned {
    fn send(&self, record: NewRecord) -> Sent {
        if record.size() > self.limit.load(Ordering::SeqCst) {
            return async { Err(LogError::new(ErrorKind::TooLarge, "too large")) }.boxed();
        }
        self.log.producer().send(record)
    }

    fn flush(&self, _: Duration) -> BoxFuture<'_, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, LogError>>;

/// Only `topic` is asked of it.
impl Admin for Learned {
    fn topic<'a>(&'a self, topic: &'a TopicName) -> Answer<'a, Option<TopicInfo>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            let info = self.log.admin().topic(topic).await?;
            self.limit.store(info.as_ref().map_or(0, |info| info.max_record_bytes), Ordering::SeqCst);
            Ok(info)
        }
        .boxed()
    }

    fn create_topic<'a>(&'a self, _: &'a TopicName, _: TopicConfig) -> Answer<'a, ()> {
        unreachable!()
    }

    fn delete_topic<'a>(&'a self, _: &'a TopicName) -> Answer<'a, ()> {
        unreachable!()
    }

    fn grow_topic<'a>(&'a self, _: &'a TopicName, _: u32) -> Answer<'a, ()> {
        unreachable!()
    }

    fn topics(&self) -> Answer<'_, Vec<TopicName>> {
        unreachable!()
    }

    fn watermarks<'a>(&'a self, _: &'a Place) -> Answer<'a, Watermarks> {
        unreachable!()
    }

    fn read<'a>(&'a self, _: &'a Place, _: Offset, _: usize) -> Answer<'a, Vec<Record>> {
        unreachable!()
    }

    fn committed<'a>(&'a self, _: &'a GroupId, _: &'a Place) -> Answer<'a, GroupOffset> {
        unreachable!()
    }

    fn reset<'a>(&'a self, _: &'a GroupId, _: &'a Place, _: Offset) -> Answer<'a, ()> {
        unreachable!()
    }

    fn trim<'a>(&'a self, _: &'a Place, _: Offset) -> Answer<'a, ()> {
        unreachable!()
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_written_too_if_the_producer_knows_of_the_larger_limit_only_when_it_asks() {
    let clock = Arc::new(TokioClock::at(Timestamp::from_millis(0)));
    let log = LocalLog::memory(clock, LocalOptions::default()).unwrap();
    let (group, place) = (GroupId::from("g"), Place::new("t", 0));
    let topic = dead_letter_topic(&place.topic, &group);
    // It took less when the producer learned of it.
    log.admin().create_topic(&topic, TopicConfig::new(1)).await.unwrap();
    let limit = Arc::new(AtomicUsize::new(1_000));
    let producer = Arc::new(Learned::new(&log, &limit));
    let admin = Arc::new(Learned::new(&log, &limit));
    let cemetery = Cemetery {
        producer,
        admin: Arc::<Learned>::clone(&admin),
        group,
        failures: metrics::Counter::noop(),
        asked: Asked::default(),
    };
    let letter = Letter {
        place,
        offset: Offset(7),
        key: None,
        value: Some(Bytes::from(vec![7; 2_000])),
        headers: Vec::new(),
        attempts: 1,
        reason: "hopeless".to_owned(),
        at: Timestamp::from_millis(0),
    };
    let letters = (0..100).map(|n| Letter { offset: Offset(n), ..letter.clone() });
    let all = futures_util::future::join_all(letters.map(|letter| cemetery.clone().bury(letter)));
    let written = tokio::time::timeout(Duration::from_secs(31), all).await;
    assert!(written.is_ok(), "the second try finds it large enough");
    assert_eq!(admin.asked.load(Ordering::SeqCst), 1, "one asks for all");
}
