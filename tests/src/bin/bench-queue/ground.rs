//! A log with a topic of tasks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use bytes::Bytes;
use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Raw;
use denrei_queue::{Pipeline, Processor, PutOptions, Settings, Source, Subscription, TaskClient};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, LocalLog, Log, Place, TopicConfig, TopicName};
use denrei_tests::surroundings;
use tempfile::TempDir;

use crate::Options;

/// Partitions of each topic, but that of delays.
pub(crate) const PARTITIONS: u32 = 8;
/// Bytes of a task.
const SIZE: usize = 100;
/// Tasks that may wait to be written at once.
const IN_FLIGHT: usize = 20_000;

/// Which log.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Backend {
    Embedded,
    Kafka,
}

impl Backend {
    pub(crate) const ALL: [Self; 2] = [Self::Embedded, Self::Kafka];

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded log",
            Self::Kafka => "Kafka",
        }
    }
}

/// A topic of tasks. Every measurement reads it from its beginning.
pub(crate) struct Ground {
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The topic.
    pub(crate) topic: TopicName,
    /// How many keys its tasks have, by turns; none, if they have none.
    pub(crate) keys: Option<u64>,
    pub(crate) backend: Backend,
    tasks: AtomicU64,
    groups: AtomicU64,
    _directory: Option<TempDir>,
}

impl Ground {
    /// Makes an empty topic.
    pub(crate) async fn prepare(
        backend: Backend,
        keys: Option<u64>,
        options: &Options,
    ) -> anyhow::Result<Self> {
        Self::with_partitions(backend, keys, PARTITIONS, options).await
    }

    /// Makes an empty topic of so many partitions.
    pub(crate) async fn with_partitions(
        backend: Backend,
        keys: Option<u64>,
        partitions: u32,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (log, directory): (Arc<dyn Log>, _) = match backend {
            Backend::Embedded => {
                std::fs::create_dir_all(&options.dir)?;
                let directory = tempfile::tempdir_in(&options.dir)?;
                let own = EmbeddedOptions::default();
                let log = LocalLog::embedded(directory.path(), Arc::clone(&clock), &own)?;
                (Arc::new(log), Some(directory))
            }
            Backend::Kafka => {
                (Arc::new(KafkaLog::new(KafkaOptions::new(servers()?), Arc::clone(&clock))?), None)
            }
        };
        let topic = TopicName::from(format!("bench-{}", clock.now().as_millis()));
        log.admin().create_topic(&topic, TopicConfig::new(partitions)).await?;
        let (tasks, groups) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { log, clock, topic, keys, backend, tasks, groups, _directory: directory })
    }

    /// Puts tasks on the topic.
    pub(crate) fn client(&self) -> TaskClient<Bytes> {
        let source = Source { application: "bench".to_owned(), instance: "0".to_owned() };
        TaskClient::new(self.log.producer(), Arc::clone(&self.clock), source, self.topic.clone(), Raw)
    }

    /// Fills it with so many tasks.
    pub(crate) async fn fill(&self, tasks: u64) -> anyhow::Result<()> {
        let (client, value) = (self.client(), Bytes::from(vec![b'x'; SIZE]));
        let mut sent = VecDeque::new();
        for number in 0..tasks {
            sent.push_back(client.put_with(self.key(number), &value, PutOptions::default()));
            if sent.len() >= IN_FLIGHT
                && let Some(oldest) = sent.pop_front()
            {
                oldest.await?;
            }
        }
        for one in sent {
            one.await?;
        }
        self.tasks.store(tasks, Ordering::Relaxed);
        Ok(())
    }

    /// The key of a task.
    pub(crate) fn key(&self, number: u64) -> Option<Bytes> {
        self.keys.map(|keys| Bytes::from(format!("key-{}", number % keys.max(1))))
    }

    /// How many tasks it was filled with.
    pub(crate) fn tasks(&self) -> u64 {
        self.tasks.load(Ordering::Relaxed)
    }

    /// How many tasks lie on each partition.
    pub(crate) async fn placement(&self) -> anyhow::Result<Vec<u64>> {
        let admin = self.log.admin();
        let info = admin.topic(&self.topic).await?.context("the topic is gone")?;
        let mut counts = Vec::new();
        for partition in 0..info.partitions {
            let span = admin.watermarks(&Place::new(self.topic.clone(), partition)).await?;
            counts.push(span.end.0 - span.start.0);
        }
        Ok(counts)
    }

    /// Runs the tasks, from the first one on.
    pub(crate) async fn subscribe(
        &self,
        settings: Settings,
        processor: impl Processor<Bytes>,
    ) -> anyhow::Result<Subscription> {
        let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
        let builder = Subscription::builder(log, clock, self.fresh_group());
        let builder = builder.topic(self.topic.clone(), Pipeline::new(Raw, processor));
        Ok(builder.fixed_settings(settings)?.start().await?)
    }

    /// A group that has read nothing.
    pub(crate) fn fresh_group(&self) -> String {
        format!("{}-{}", self.topic, self.groups.fetch_add(1, Ordering::Relaxed))
    }

    /// Where the brokers are.
    pub(crate) fn servers(&self) -> anyhow::Result<String> {
        servers()
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        format!("{}, {}", self.backend.name(), if self.keys.is_some() { "keyed" } else { "unkeyed" })
    }

    /// Removes the topic.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        Ok(self.log.admin().delete_topic(&self.topic).await?)
    }
}

fn servers() -> anyhow::Result<String> {
    surroundings::variable("DENREI_KAFKA").context("DENREI_KAFKA not set")
}
