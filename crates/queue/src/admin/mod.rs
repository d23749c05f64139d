//! Looking after a group: dead letters, timers, lag, offsets. What the debug API and the command line call.

mod letters;
mod timers;

use std::fmt;
use std::sync::Arc;

use denrei_storage::log::{Admin, GroupId, Log, LogError, Offset, Place, Producer, Timers, TopicName};

pub use self::letters::{DeadLetter, Redriven};
pub use self::timers::{MOST_ROUNDS, NumberedTimer, PendingTimer};
use crate::metrics;
pub use crate::wire::is_numbered;

/// How far a group is behind in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The partition.
    pub place: Place,
    /// The first offset that is not completed; none if nothing was committed yet.
    pub committed: Option<Offset>,
    /// The first offset still there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
}

impl Lag {
    /// Records that are not completed, but for those above the watermark that are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.end.0.saturating_sub(self.committed.unwrap_or(self.start).max(self.start).0)
    }
}

/// Where offsets are set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    /// What is there is run again.
    Earliest,
    /// What is there is skipped.
    Latest,
    /// From this offset on.
    Offset(Offset),
}

/// Looks after one group.
#[derive(Clone)]
pub struct QueueAdmin {
    admin: Arc<dyn Admin>,
    producer: Arc<dyn Producer>,
    timers: Arc<dyn Timers>,
    group: GroupId,
}

impl fmt::Debug for QueueAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueAdmin").field("group", &self.group).finish_non_exhaustive()
    }
}

impl QueueAdmin {
    /// For this group on this log.
    #[must_use]
    pub fn new(log: &dyn Log, group: impl Into<GroupId>) -> Self {
        let group = group.into();
        Self { admin: log.admin(), producer: log.producer(), timers: log.timers(&group), group }
    }

    /// How far the group is behind in each partition of a topic; nothing if there is no such topic.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn lag(&self, topic: &TopicName) -> Result<Vec<Lag>, LogError> {
        let Some(info) = self.admin.topic(topic).await? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for partition in 0..info.partitions {
            let place = Place::new(topic.clone(), partition);
            let span = self.admin.watermarks(&place).await?;
            let committed = self.admin.committed(&self.group, &place).await?.offset;
            all.push(Lag { place, committed, start: span.start, end: span.end });
        }
        Ok(all)
    }

    /// Has the metrics of this process show how far the group, named as its subscription is, is behind in each partition of a topic:
    /// for whoever runs the subscription to call now and then.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn record_lag(&self, topic: &TopicName) -> Result<(), LogError> {
        for lag in self.lag(topic).await? {
            metrics::record_lag(self.group.as_str(), &lag.place, lag.records());
        }
        Ok(())
    }

    /// Sets where the group goes on in a partition. Only while the group has no members.
    ///
    /// # Errors
    /// [`GroupActive`](denrei_storage::log::ErrorKind::GroupActive), or if the log cannot be asked.
    pub async fn reset(&self, place: &Place, to: ResetTo) -> Result<Offset, LogError> {
        let span = self.admin.watermarks(place).await?;
        let offset = match to {
            ResetTo::Earliest => span.start,
            ResetTo::Latest => span.end,
            ResetTo::Offset(offset) => offset.clamp(span.start, span.end),
        };
        self.admin.reset(&self.group, place, offset).await?;
        Ok(offset)
    }
}
