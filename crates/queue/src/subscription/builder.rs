//! Putting a subscription together.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use denrei_model::Clock;
use denrei_storage::log::{ConsumerOptions, GroupId, Log, LogError, TopicName};
use tokio::sync::{mpsc, watch};

use super::reader::Reader;
use super::{Shared, State, Subscription};
use crate::metrics::Meters;
use crate::partition::{Asked, Budget, Cemetery};
use crate::pipeline::Pipeline;
use crate::settings::{Settings, SettingsSource, StaticSettings};

/// Why a subscription could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It has no topics.
    #[error("a subscription needs a topic")]
    NoTopic,
    /// The log refused: the group cannot be joined, or a topic for dead letters takes too little.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A subscription in the making.
pub struct SubscriptionBuilder {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    group: GroupId,
    member: String,
    seed: u64,
    fetch_bytes: usize,
    #[cfg(feature = "testing")]
    fault: Option<crate::testing::Fault>,
    writes_retry_topics: bool,
    pipelines: HashMap<TopicName, Pipeline>,
    settings: watch::Receiver<Arc<Settings>>,
}

impl fmt::Debug for SubscriptionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionBuilder").field("group", &self.group).finish_non_exhaustive()
    }
}

impl Subscription {
    /// A subscription of `group` on this log.
    #[must_use]
    pub fn builder(
        log: Arc<dyn Log>,
        clock: Arc<dyn Clock>,
        group: impl Into<GroupId>,
    ) -> SubscriptionBuilder {
        let group = group.into();
        SubscriptionBuilder {
            log,
            clock,
            member: group.as_str().to_owned(),
            group,
            seed: 0,
            fetch_bytes: 16 << 20,
            #[cfg(feature = "testing")]
            fault: None,
            writes_retry_topics: false,
            pipelines: HashMap::new(),
            settings: watch::Sender::new(Arc::new(Settings::default())).subscribe(),
        }
    }
}

impl SubscriptionBuilder {
    /// Reads this topic too, and runs its tasks so.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<TopicName>, pipeline: Pipeline) -> Self {
        self.pipelines.insert(topic.into(), pipeline);
        self
    }

    /// Takes its settings from here, and follows their changes.
    #[must_use]
    pub fn settings(mut self, source: &dyn SettingsSource) -> Self {
        self.settings = source.watch();
        self
    }

    /// Takes these settings, for good.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn fixed_settings(self, settings: Settings) -> Result<Self, crate::settings::SettingsError> {
        let source = StaticSettings::new(settings)?;
        Ok(self.settings(&source))
    }

    /// Names this member to the log. Default: the group's name.
    #[must_use]
    pub fn member(mut self, member: impl Into<String>) -> Self {
        self.member = member.into();
        self
    }

    /// Decides the jitter of retries. Default 0; give each process its own.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Bytes that the log's client may hold ahead of what was read: the other half of the bound on the heap, beside
    /// [`Settings::max_pending_bytes`]. Default 16 MiB.
    #[must_use]
    pub fn fetch_bytes(mut self, bytes: usize) -> Self {
        self.fetch_bytes = bytes;
        self
    }

    /// Writes retries to `<topic>-retry`, as Decaton does, rather than to timers: for a group that instances of
    /// Decaton are still members of. A retry topic that exists is always read.
    #[must_use]
    pub fn write_retry_topics(mut self) -> Self {
        self.writes_retry_topics = true;
        self
    }

    /// Reads the retry topics that there are; gives back where retries are written.
    async fn retry_topics(&mut self, cemetery: &Cemetery) -> Result<HashMap<TopicName, TopicName>, LogError> {
        let mut written = HashMap::new();
        let topics: Vec<(TopicName, Pipeline)> = self.pipelines.clone().into_iter().collect();
        for (topic, pipeline) in topics {
            let retries = TopicName::from(format!("{topic}-retry"));
            if cemetery.admin.topic(&retries).await?.is_some() {
                self.pipelines.entry(retries.clone()).or_insert(pipeline);
            }
            if self.writes_retry_topics && self.pipelines.contains_key(&retries) {
                written.insert(topic, retries.clone());
                written.insert(retries.clone(), retries);
            }
        }
        Ok(written)
    }

    /// Breaks a promise on purpose, so that a test of promises can be seen to fail.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn fault(mut self, fault: crate::testing::Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Joins the group and begins.
    ///
    /// # Errors
    /// If there is no topic, a topic for dead letters takes too little, or the group cannot be joined.
    pub async fn start(mut self) -> Result<Subscription, StartError> {
        if self.pipelines.is_empty() {
            return Err(StartError::NoTopic);
        }
        let metrics = Meters::new(self.group.as_str());
        let cemetery = Cemetery {
            producer: self.log.producer(),
            admin: self.log.admin(),
            group: self.group.clone(),
            failures: metrics.dead_letter_failures.clone(),
            asked: Asked::default(),
        };
        let retry_topics = self.retry_topics(&cemetery).await?;
        for topic in self.pipelines.keys() {
            cemetery.ensure_topic(topic).await?;
        }
        let mut options =
            ConsumerOptions::new(self.group.clone(), self.pipelines.keys().cloned()).member(self.member);
        options.fetch_bytes = self.fetch_bytes;
        let consumer = self.log.join(options).await?;
        let shared = Arc::new(Shared {
            timers: self.log.timers(&self.group),
            group: self.group,
            clock: self.clock,
            retry_topics,
            pipelines: self.pipelines,
            cemetery,
            budget: Arc::new(Budget::default()),
            metrics,
            seed: self.seed,
            #[cfg(feature = "testing")]
            fault: self.fault,
            settings: self.settings,
        });
        let (orders, inbox) = mpsc::unbounded_channel();
        let states = watch::Sender::new(State::Initializing);
        let seen = states.subscribe();
        let reader = tokio::spawn(Reader::new(shared, consumer, inbox, states).run());
        Ok(Subscription::new(orders, seen, reader))
    }
}
