//! The partitioned log on Apache Kafka, by librdkafka.
//!
//! ```text
//! options    where the brokers are; what is set on every client, and why
//! producer   idempotent, all replicas
//! consumer   rebalances as events, commits before partitions are given away
//! aside      what a consumer asks the brokers meanwhile, which goes on when its poll is broken off
//! records    a queue per partition, read by whoever runs its tasks
//! timers     a compact topic beside each task topic, tailed by whoever owns the partition into an index on local disk
//! admin      topics, offsets
//! error      the one place where librdkafka's errors become ours
//! ```

mod admin;
mod aside;
mod consumer;
mod error;
mod options;
mod producer;
mod rebalance;
mod records;
mod timers;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use denrei_model::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use self::admin::KafkaAdmin;
use self::consumer::KafkaConsumer;
pub use self::options::KafkaOptions;
use self::producer::{KafkaProducer, Limits};
pub use self::timers::TimerIndexes;
use self::timers::{KafkaTimers, Stores};
use crate::log::{Admin, Consumer, ConsumerOptions, GroupId, Log, LogError, Producer, Timers};

/// A log on a Kafka cluster.
#[derive(Clone)]
pub struct KafkaLog {
    options: Arc<KafkaOptions>,
    producer: Arc<KafkaProducer>,
    admin: Arc<KafkaAdmin>,
    timers: Arc<Mutex<HashMap<GroupId, Arc<KafkaTimers>>>>,
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog").field("options", &self.options).finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// A log on the cluster that the options name. Connects by and by; brokers that are away are no error here.
    ///
    /// # Errors
    /// If librdkafka refuses the configuration, or the directory for timers that was named cannot be written to.
    pub fn new(options: KafkaOptions, clock: Arc<dyn Clock>) -> Result<Self, LogError> {
        let options = Arc::new(options);
        let limits = Arc::new(Limits::new(options.max_record_bytes));
        let producer = Arc::new(KafkaProducer::new(&options, Arc::clone(&limits))?);
        let admin = Arc::new(KafkaAdmin::new(Arc::clone(&options), limits)?);
        let stores = Arc::new(Stores::new(options.timers_dir.clone())?);
        Ok(Self { options, producer, admin, timers: Arc::default(), stores, clock })
    }

    /// What the timers of this log's partitions take on this machine. Looks at the disk.
    #[must_use]
    pub fn timer_indexes(&self) -> TimerIndexes {
        self.stores.stats()
    }
}

impl Log for KafkaLog {
    fn producer(&self) -> Arc<dyn Producer> {
        Arc::<KafkaProducer>::clone(&self.producer)
    }

    fn join(&self, options: ConsumerOptions) -> BoxFuture<'_, Result<Box<dyn Consumer>, LogError>> {
        let consumer = KafkaConsumer::join(&self.options, &options, Arc::clone(&self.clock));
        async move { Ok(Box::new(consumer?) as Box<dyn Consumer>) }.boxed()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::<KafkaAdmin>::clone(&self.admin)
    }

    /// All users of a group's timers in this process share one index.
    fn timers(&self, group: &GroupId) -> Arc<dyn Timers> {
        let mut known = self.timers.lock();
        if let Some(timers) = known.get(group) {
            return Arc::<KafkaTimers>::clone(timers);
        }
        let (options, producer, admin) =
            (Arc::clone(&self.options), Arc::clone(&self.producer), Arc::clone(&self.admin));
        let timers =
            Arc::new(KafkaTimers::new(options, producer, admin, Arc::clone(&self.stores), group.clone()));
        known.insert(group.clone(), Arc::<KafkaTimers>::clone(&timers));
        timers
    }
}
