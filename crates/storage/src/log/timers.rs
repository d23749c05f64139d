//! What must come back later, kept as durably as the log itself.
//!
//! A timer belongs to a partition of a topic and to a group: whoever owns that partition fires it. It is identified
//! by the record it came from and the attempt, so that writing it twice (an owner that was killed between the write and
//! its commit) leaves one.

use bytes::Bytes;
use denrei_model::Timestamp;
use futures_util::future::BoxFuture;
use xxhash_rust::xxh3::xxh3_64;

use super::{Epoch, LogError, Offset, Place};

/// Which timer of a partition: the record that it came from, and at which of its tries it first waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    /// The offset of the record in the partition.
    pub offset: Offset,
    /// The attempt at which it first waited, from 0; later tries keep it.
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

/// What a timer carries, in short. Timers of one id that carry different things differ in it; one that was moved does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerMark(pub(super) u64);

/// A timer as it was found: what is put in its place later is another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerVersion {
    /// Which timer.
    pub id: TimerId,
    /// What it carried.
    pub mark: TimerMark,
}

impl TimerRow {
    /// What it carries, in short.
    #[must_use]
    pub fn mark(&self) -> TimerMark {
        mark_of(&self.payload)
    }

    /// The timer as it is now.
    #[must_use]
    pub fn version(&self) -> TimerVersion {
        TimerVersion { id: self.id, mark: self.mark() }
    }
}

pub(super) fn mark_of(payload: &Bytes) -> TimerMark {
    TimerMark(xxh3_64(payload))
}

/// A change of one timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerChange {
    /// It waits, whatever waited under its id.
    Put(TimerRow),
    /// It waits in place of what waited under its id, if that still carries this. If not, nothing changes: somebody else has put
    /// or deleted a timer meanwhile, and that counts.
    Replace(TimerMark, TimerRow),
    /// Nothing waits under this id.
    Delete(TimerId),
    /// This one has ended. What was put in its place meanwhile stays.
    End(TimerVersion),
}

impl TimerChange {
    /// Which timer it changes.
    #[must_use]
    pub fn id(&self) -> TimerId {
        match self {
            Self::Put(row) | Self::Replace(_, row) => row.id,
            Self::Delete(id) => *id,
            Self::End(version) => version.id,
        }
    }

    /// What the timer must carry for this to change it; none: whatever it carries.
    pub(super) fn condition(&self) -> Option<TimerMark> {
        match self {
            Self::Put(_) | Self::Delete(_) => None,
            Self::Replace(mark, _) => Some(*mark),
            Self::End(version) => Some(version.mark),
        }
    }

    /// What waits afterwards.
    pub(super) fn into_row(self) -> Option<TimerRow> {
        match self {
            Self::Put(row) | Self::Replace(_, row) => Some(row),
            Self::Delete(_) | Self::End(_) => None,
        }
    }
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
    /// Only so many as carry no more bytes than this together, but one at least.
    pub bytes: usize,
}

impl TimerQuery {
    /// The first `limit` timers, whenever they are due.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { after: None, until: Timestamp::from_millis(u64::MAX), limit, bytes: usize::MAX }
    }
}

/// The timers of one group.
pub trait Timers: Send + Sync + 'static {
    /// Makes the timers of a partition that was just assigned ready to be asked; those of former owners are among them.
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>>;

    /// Lets go of a partition's timers, unless they were opened again under another epoch.
    fn close(&self, place: &Place, epoch: Epoch);

    /// Changes timers in one step. Resolves when that is durable.
    ///
    /// With an epoch, only the owner of the partition may do it; without, it is an administrator who does.
    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>>;

    /// Timers of a partition, the earliest first.
    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>>;
}
