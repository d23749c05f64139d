//! What must come back later, kept as durably as the log itself.
//!
//! A timer belongs to a partition of a topic and to a group: whoever owns that partition fires it. It is identified
//! by the record it came from and the attempt, so that writing it twice (an owner that was killed between the write and
//! its commit) leaves one.

use bytes::Bytes;
use denrei_model::Timestamp;
use futures_util::future::BoxFuture;

use super::{Epoch, LogError, Offset, Place};

/// Which timer of a partition: the record that it came from, and how often that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    /// The offset of the record in the partition.
    pub offset: Offset,
    /// The attempt that it stands for, from 0.
    pub attempt: u32,
}

/// A timer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// Which one.
    pub id: TimerId,
    /// When it is due.
    pub due: Timestamp,
    /// What it carries; opaque to the store.
    pub payload: Bytes,
}

/// Which timers to look at, in the order of (due, id).
#[derive(Debug, Clone, Copy)]
pub struct TimerQuery {
    /// Only those after this one, if given.
    pub after: Option<(Timestamp, TimerId)>,
    /// Only those due at this time or earlier.
    pub until: Timestamp,
    /// At most so many.
    pub limit: usize,
}

impl TimerQuery {
    /// The first `limit` timers, whenever they are due.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { after: None, until: Timestamp::from_millis(u64::MAX), limit }
    }
}

/// The timers of one group.
pub trait Timers: Send + Sync + 'static {
    /// Makes the timers of a partition that was just assigned ready to be asked; those of former owners are among them.
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>>;

    /// Lets go of a partition's timers.
    fn close(&self, place: &Place);

    /// Writes timers and deletes others in one step. Resolves when that is durable.
    ///
    /// With an epoch, only the owner of the partition may do it; without, it is an administrator who does.
    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        put: Vec<TimerRow>,
        delete: Vec<TimerId>,
    ) -> BoxFuture<'a, Result<(), LogError>>;

    /// Timers of a partition, the earliest first.
    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>>;
}
