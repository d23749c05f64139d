//! Topics, offsets and retention.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{GroupId, LogError, Offset, Place, Record, TopicName};

/// How a topic is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicConfig {
    /// How many partitions.
    pub partitions: u32,
    /// How long a record is kept at least; for ever, if none.
    pub retention: Option<Duration>,
    /// Largest record (key, value and headers) that is taken.
    pub max_record_bytes: usize,
}

impl TopicConfig {
    /// The largest record a topic takes by default.
    pub const MAX_RECORD_BYTES: usize = 1 << 20;

    /// This many partitions, kept for seven days, records of up to 1 MiB.
    #[must_use]
    pub const fn new(partitions: u32) -> Self {
        Self {
            partitions,
            retention: Some(Duration::from_secs(7 * 24 * 3600)),
            max_record_bytes: Self::MAX_RECORD_BYTES,
        }
    }
}

/// Bytes of metadata that a commit may carry.
pub(super) const MAX_METADATA: usize = 4_096;

/// What is known of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicInfo {
    /// How many partitions it has now.
    pub partitions: u32,
    /// Largest record that is taken.
    pub max_record_bytes: usize,
}

/// From where to where a partition reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// The first offset still there.
    pub start: Offset,
    /// The offset that the next record gets.
    pub end: Offset,
}

/// What a group has committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOffset {
    /// The first offset that is not done; none if nothing was committed.
    pub offset: Option<Offset>,
    /// What was committed beside it.
    pub metadata: String,
}

/// Stands at the end of a commit's metadata once the offset beside it was no longer what that commit said: it was
/// [set](Admin::reset), or lies outside of what is there. Whoever wrote the metadata knows what of it is true even so.
pub const RESET_MARK: &str = ".reset";

/// Metadata of a commit whose offset is given up; none stays none.
pub(super) fn after_reset(metadata: &str) -> String {
    if metadata.is_empty() || metadata.ends_with(RESET_MARK) {
        return metadata.to_owned();
    }
    let marked = format!("{metadata}{RESET_MARK}");
    if marked.len() > MAX_METADATA { String::new() } else { marked }
}

/// Looks after topics and groups.
pub trait Admin: Send + Sync + 'static {
    /// Creates a topic; [`TopicExists`](super::ErrorKind::TopicExists) if it is there.
    fn create_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        config: TopicConfig,
    ) -> BoxFuture<'a, Result<(), LogError>>;

    /// Deletes a topic with all it holds.
    fn delete_topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<(), LogError>>;

    /// Gives a topic more partitions; fewer is refused.
    fn grow_topic<'a>(&'a self, topic: &'a TopicName, partitions: u32)
    -> BoxFuture<'a, Result<(), LogError>>;

    /// What is known of a topic; none if it is not there.
    fn topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<Option<TopicInfo>, LogError>>;

    /// All topics, by name.
    fn topics(&self) -> BoxFuture<'_, Result<Vec<TopicName>, LogError>>;

    /// From where to where a partition reaches.
    fn watermarks<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Watermarks, LogError>>;

    /// Reads up to `limit` records from `from` on, outside any group.
    fn read<'a>(
        &'a self,
        place: &'a Place,
        from: Offset,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, LogError>>;

    /// What a group has committed.
    fn committed<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
    ) -> BoxFuture<'a, Result<GroupOffset, LogError>>;

    /// Sets what a group has committed, while the group has no members. The metadata stays, with the [`RESET_MARK`].
    fn reset<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
        to: Offset,
    ) -> BoxFuture<'a, Result<(), LogError>>;

    /// Deletes what lies before this offset.
    fn trim<'a>(&'a self, place: &'a Place, before: Offset) -> BoxFuture<'a, Result<(), LogError>>;
}
