//! The partitioned log: topics of partitions, appended to by producers, read by consumer groups.
//!
//! ```text
//! record     what is written and read: places, offsets, headers, timestamps
//! producer   append; the answer comes when the record is durable
//! consumer   join a group, read what is assigned, each partition by itself, commit under the epoch of the assignment
//! timers     what must come back later, kept as durably as the log itself
//! admin      topics, partitions, offsets, retention
//! placement  which partition a key belongs to (Kafka's own murmur2, so that all backends agree)
//!
//! local      one engine for the logs that live in this process
//!   memory     over a map: the specification, and what users' tests run on
//!   embedded   over fjall: one committer thread, one sync per group of appends
//! kafka      over librdkafka
//! ```
//!
//! Promises that every backend keeps, and that the conformance suite asks:
//! - A record is readable only once it is durable, and offsets of a partition rise.
//! - A partition has one owner in a group. A partition that must move is first announced to its owner
//!   ([`Event::Revoking`]), which keeps it until it polls again: that is how long a revoke waits for work in flight.
//! - A commit names the epoch under which the partition was assigned; one of an earlier epoch is refused.
//! - What is retained is what is younger than the topic's age limit *or* not yet committed by every group that was
//!   seen lately (Kafka knows only age).

mod admin;
mod consumer;
mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
mod local;
mod placement;
mod producer;
mod record;
mod timers;

use std::sync::Arc;

pub use admin::{Admin, GroupOffset, RESET_MARK, TopicConfig, TopicInfo, Watermarks};
pub use consumer::{Assigned, Commit, Consumer, ConsumerOptions, Epoch, Event, Records, Room};
pub use error::{ErrorKind, LogError, Retry};
#[cfg(feature = "embedded")]
pub use local::embedded::{Durability, EmbeddedOptions};
pub use local::{LocalLog, LocalOptions};
pub use placement::{murmur2, partition_of};
pub use producer::{Placed, Producer, Sent};
pub use record::{GroupId, Header, NewRecord, Offset, Partition, Place, Record, TopicName};
pub use timers::{TimerChange, TimerId, TimerMark, TimerQuery, TimerRow, TimerVersion, Timers};

use futures_util::future::BoxFuture;

/// A partitioned log: the three sides of it, and its timers.
pub trait Log: Send + Sync + 'static {
    /// Something to append with; cheap to clone, shared by all tasks.
    fn producer(&self) -> Arc<dyn Producer>;

    /// Joins a consumer group.
    fn join(&self, options: ConsumerOptions) -> BoxFuture<'_, Result<Box<dyn Consumer>, LogError>>;

    /// Topics, offsets, retention.
    fn admin(&self) -> Arc<dyn Admin>;

    /// The timers of one group; each belongs to a partition and may be used by its owner.
    fn timers(&self, group: &GroupId) -> Arc<dyn Timers>;
}
