//! A topic in memory with what a test needs around it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::{Clock, Timestamp};
use denrei_storage::log::{
    GroupId, LocalLog, LocalOptions, Log, Offset, Place, Record, TopicConfig, TopicName,
};

use super::TokioClock;
use crate::codec::Codec;
use crate::settings::Settings;
use crate::{Pipeline, Source, Subscription, TaskClient};

/// A topic on a log in memory, on a clock that follows tokio's time.
pub struct Bench {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The clock of everything on the bench.
    pub clock: Arc<TokioClock>,
    topic: TopicName,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Bench {
    /// A bench with a topic of so many partitions.
    ///
    /// # Panics
    /// If the topic's name is not allowed.
    #[expect(clippy::expect_used, reason = "a test bench that cannot be set up ends the test")]
    pub async fn new(topic: &str, partitions: u32) -> Self {
        let clock = Arc::new(TokioClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let log_clock = Arc::<TokioClock>::clone(&clock);
        let log = LocalLog::memory(log_clock, LocalOptions::default()).expect("a log in memory always opens");
        let topic = TopicName::from(topic);
        log.admin().create_topic(&topic, TopicConfig::new(partitions)).await.expect("the topic can be made");
        Self { log: Arc::new(log), clock, topic }
    }

    /// The group that [`subscribe`](Self::subscribe) joins.
    #[must_use]
    pub fn group(&self) -> GroupId {
        GroupId::from("bench")
    }

    /// A partition of the topic.
    #[must_use]
    pub fn place(&self, partition: u32) -> Place {
        Place::new(self.topic.clone(), partition)
    }

    /// Puts tasks on the topic.
    #[must_use]
    pub fn client<T: 'static>(&self, codec: impl Codec<T>) -> TaskClient<T> {
        let source = Source { application: "bench".to_owned(), instance: "0".to_owned() };
        TaskClient::new(
            self.log.producer(),
            Arc::<TokioClock>::clone(&self.clock),
            source,
            self.topic.clone(),
            codec,
        )
    }

    /// Runs the topic's tasks.
    ///
    /// # Panics
    /// If the settings cannot be used.
    #[expect(clippy::expect_used, reason = "a test bench that cannot be set up ends the test")]
    pub async fn subscribe(&self, pipeline: Pipeline, settings: Settings) -> Subscription {
        let clock: Arc<dyn Clock> = Arc::<TokioClock>::clone(&self.clock);
        let builder = Subscription::builder(Arc::clone(&self.log), clock, self.group());
        let builder = builder.topic(self.topic.clone(), pipeline).fixed_settings(settings);
        builder.expect("the settings can be used").start().await.expect("a log in memory can be joined")
    }

    /// What the group has committed for a partition.
    ///
    /// # Panics
    /// If there is no such partition.
    #[expect(clippy::expect_used, reason = "a test bench that is asked nonsense ends the test")]
    pub async fn committed(&self, partition: u32) -> Option<Offset> {
        let known = self.log.admin().committed(&self.group(), &self.place(partition)).await;
        known.expect("the partition is there").offset
    }

    /// The dead letters of a partition.
    pub async fn dead_letters(&self, partition: u32) -> Vec<Record> {
        let topic = format!("{}.{}.dead-letters", self.topic, self.group());
        self.log.admin().read(&Place::new(topic, partition), Offset(0), usize::MAX).await.unwrap_or_default()
    }

    /// The value of a dead letter's header, as text.
    #[must_use]
    pub fn header(record: &Record, name: &str) -> String {
        record
            .header(name)
            .map(|value: &Bytes| String::from_utf8_lossy(value).into_owned())
            .unwrap_or_default()
    }
}
