//! A log with a topic full of tasks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Raw;
use denrei_queue::{PutOptions, Source, TaskClient};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, LocalLog, Log, TopicConfig, TopicName};
use denrei_tests::surroundings;
use tempfile::TempDir;

use crate::Options;

/// Partitions of each topic.
pub(crate) const PARTITIONS: u32 = 8;
/// Bytes of a task.
const SIZE: usize = 100;
/// Tasks that may wait to be written at once.
const IN_FLIGHT: usize = 20_000;

/// Which log.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    Embedded,
    Kafka,
}

/// A topic full of tasks. Every measurement reads it from its beginning.
pub(crate) struct Ground {
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The topic.
    pub(crate) topic: TopicName,
    /// Whether its tasks have keys.
    pub(crate) keyed: bool,
    backend: Backend,
    groups: AtomicU64,
    _directory: Option<TempDir>,
}

impl Ground {
    /// Makes the topic and fills it. None, and said so, where there is no such log.
    pub(crate) async fn prepare(
        backend: Backend,
        keyed: bool,
        options: &Options,
    ) -> anyhow::Result<Option<Self>> {
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
                let Some(servers) = surroundings::variable("DENREI_KAFKA") else {
                    surroundings::skip("bench queue on Kafka", "DENREI_KAFKA not set");
                    return Ok(None);
                };
                (Arc::new(KafkaLog::new(KafkaOptions::new(servers), Arc::clone(&clock))?), None)
            }
        };
        let topic = TopicName::from(format!("bench-{}", clock.now().as_millis()));
        let groups = AtomicU64::new(0);
        let ground = Self { log, clock, topic, keyed, backend, groups, _directory: directory };
        ground.fill(options).await?;
        Ok(Some(ground))
    }

    async fn fill(&self, options: &Options) -> anyhow::Result<()> {
        self.log.admin().create_topic(&self.topic, TopicConfig::new(PARTITIONS)).await?;
        let source = Source { application: "bench".to_owned(), instance: "0".to_owned() };
        let clock = Arc::clone(&self.clock);
        let client = TaskClient::new(self.log.producer(), clock, source, self.topic.clone(), Raw);
        let value = Bytes::from(vec![b'x'; SIZE]);
        let mut sent = VecDeque::new();
        for number in 0..options.tasks {
            let key = self.keyed.then(|| Bytes::from(format!("key-{}", number % options.keys.max(1))));
            sent.push_back(client.put_with(key, &value, PutOptions::default()));
            if sent.len() >= IN_FLIGHT
                && let Some(oldest) = sent.pop_front()
            {
                oldest.await?;
            }
        }
        for one in sent {
            one.await?;
        }
        Ok(())
    }

    /// A group that has read nothing.
    pub(crate) fn fresh_group(&self) -> String {
        format!("{}-{}", self.topic, self.groups.fetch_add(1, Ordering::Relaxed))
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        let backend = match self.backend {
            Backend::Embedded => "embedded log",
            Backend::Kafka => "Kafka",
        };
        format!("{backend}, {}", if self.keyed { "keyed" } else { "unkeyed" })
    }

    /// Removes the topic.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        Ok(self.log.admin().delete_topic(&self.topic).await?)
    }
}
