//! The logs under test, and what tests do with them again and again.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_storage::log::{
    Assigned, Consumer, ConsumerOptions, EmbeddedOptions, ErrorKind, Event, GroupId, LocalLog, LocalOptions,
    Log, NewRecord, Place, Placed, Record, Records, TopicConfig, TopicName,
};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use tempfile::TempDir;

/// One log, and names that no other test uses.
pub(crate) struct Fixture {
    pub(crate) name: &'static str,
    pub(crate) log: Arc<dyn Log>,
    _dir: Option<TempDir>,
    unique: String,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Fixture {
    fn new(name: &'static str, log: Arc<dyn Log>, dir: Option<TempDir>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { name, log, _dir: dir, unique: format!("{}-{number}", std::process::id()) }
    }

    pub(crate) fn topic_name(&self) -> TopicName {
        TopicName::from(format!("topic-{}", self.unique))
    }

    pub(crate) fn group(&self) -> GroupId {
        GroupId::from(format!("group-{}", self.unique))
    }

    pub(crate) async fn topic(&self, partitions: u32) -> TopicName {
        let topic = self.topic_name();
        self.log.admin().create_topic(&topic, TopicConfig::new(partitions)).await.unwrap();
        topic
    }

    pub(crate) async fn send(&self, record: NewRecord) -> Placed {
        // A producer may have learned that the topic is missing, and need a moment to learn that it is there.
        for _ in 0..100 {
            match self.log.producer().send(record.clone()).await {
                Err(error) if error.kind() == ErrorKind::NoTopic => tokio::time::sleep(PATIENCE / 200).await,
                other => return other.unwrap(),
            }
        }
        panic!("{}: {} does not appear", self.name, record.topic)
    }

    pub(crate) async fn join(&self, topic: &TopicName) -> Member {
        let options = ConsumerOptions::new(self.group(), [topic.clone()]);
        let consumer = self.log.join(options).await.unwrap();
        Member { consumer, owned: HashMap::new(), aside: None, set_aside: None, records: SelectAll::new() }
    }
}

/// Runs a promise on each backend; one that is not there is skipped aloud.
pub(crate) async fn on_every_log<F: Future<Output = ()>>(promise: &str, check: impl Fn(Fixture) -> F) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let memory = LocalLog::memory(Arc::clone(&clock), LocalOptions::default()).unwrap();
    check(Fixture::new("memory", Arc::new(memory), None)).await;
    let dir = tempfile::tempdir().unwrap();
    let embedded = LocalLog::embedded(dir.path(), Arc::clone(&clock), &EmbeddedOptions::default()).unwrap();
    check(Fixture::new("embedded", Arc::new(embedded), Some(dir))).await;
    #[cfg(feature = "kafka")]
    match kafka_address() {
        Some(servers) => {
            let options = denrei_storage::log::kafka::KafkaOptions::new(servers);
            let kafka = denrei_storage::log::kafka::KafkaLog::new(options, clock).unwrap();
            check(Fixture::new("kafka", Arc::new(kafka), None)).await;
        }
        None => println!("SKIPPED {promise}: DENREI_KAFKA not set"),
    }
}

#[expect(clippy::disallowed_methods, reason = "where the broker is comes from the environment of the test")]
pub(crate) fn kafka_address() -> Option<String> {
    std::env::var("DENREI_KAFKA").ok()
}

/// A consumer that remembers what it owns, and reads it all in one place.
pub(crate) struct Member {
    pub(crate) consumer: Box<dyn Consumer>,
    pub(crate) owned: HashMap<Place, Assigned>,
    /// This partition is not read until [`read_aside`](Self::read_aside).
    pub(crate) aside: Option<Place>,
    set_aside: Option<Box<dyn Records>>,
    records: SelectAll<BoxStream<'static, (Place, Vec<Record>)>>,
}

const PATIENCE: Duration = Duration::from_secs(20);

/// What a member sees.
#[derive(Debug)]
pub(crate) enum Seen {
    Event(Event),
    Records(Place, Vec<Record>),
}

/// All records of a partition, until it is no longer owned.
fn all(place: Place, records: Box<dyn Records>) -> BoxStream<'static, (Place, Vec<Record>)> {
    let next = |(place, mut records): (Place, Box<dyn Records>)| async move {
        loop {
            match records.next(512, &mut || usize::MAX).await {
                Ok(batch) => {
                    assert!((1..=512).contains(&batch.len()), "{place:?}: {} records at once", batch.len());
                    return Some(((place.clone(), batch), (place, records)));
                }
                Err(error) if error.kind() == ErrorKind::NotOwner => return None,
                Err(_) => tokio::time::sleep(PATIENCE / 200).await,
            }
        }
    };
    futures_util::stream::unfold((place, records), next).boxed()
}

impl Member {
    /// What is seen next, passing trouble left out.
    pub(crate) async fn event(&mut self) -> Seen {
        self.event_within(PATIENCE).await.expect("no event came")
    }

    pub(crate) async fn event_within(&mut self, patience: Duration) -> Option<Seen> {
        let next = async {
            loop {
                tokio::select! {
                    event = self.consumer.poll() => match event.unwrap() {
                        Event::Trouble(_) => {}
                        event => return Seen::Event(event),
                    },
                    Some((place, records)) = self.records.next() => return Seen::Records(place, records),
                }
            }
        };
        let seen = tokio::time::timeout(patience, next).await.ok()?;
        match &seen {
            Seen::Event(Event::Assigned(all)) => all.iter().for_each(|one| self.assigned(one)),
            Seen::Event(Event::Revoking(places) | Event::Lost(places)) => {
                self.owned.retain(|place, _| !places.contains(place));
            }
            Seen::Event(Event::Trouble(_)) | Seen::Records(..) => {}
        }
        Some(seen)
    }

    fn assigned(&mut self, one: &Assigned) {
        self.owned.insert(one.place.clone(), one.clone());
        let records = self.consumer.records(&one.place).expect("what was assigned can be read");
        assert!(self.consumer.records(&one.place).is_none(), "and by one reader only");
        if self.aside.as_ref() == Some(&one.place) {
            self.set_aside = Some(records);
        } else {
            self.records.push(all(one.place.clone(), records));
        }
    }

    /// Hands out the partition that is not read.
    pub(crate) fn take_aside(&mut self) -> Box<dyn Records> {
        self.set_aside.take().expect("it is owned")
    }

    pub(crate) fn read_aside(&mut self) {
        if let (Some(place), Some(records)) = (self.aside.take(), self.set_aside.take()) {
            self.records.push(all(place, records));
        }
    }

    /// Polls until it owns this many partitions; records on the way are returned.
    pub(crate) async fn own(&mut self, partitions: usize) -> Vec<(Place, Record)> {
        let mut seen = Vec::new();
        while self.owned.len() != partitions {
            if let Seen::Records(place, records) = self.event().await {
                seen.extend(records.into_iter().map(|r| (place.clone(), r)));
            }
        }
        seen
    }

    /// The next `count` records.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<(Place, Record)> {
        let mut seen = Vec::new();
        while seen.len() < count {
            if let Seen::Records(place, records) = self.event().await {
                seen.extend(records.into_iter().map(|r| (place.clone(), r)));
            }
        }
        seen
    }
}
