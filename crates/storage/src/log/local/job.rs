//! What the committer is asked to make durable.

use tokio::sync::oneshot;

use crate::log::{
    Commit, Epoch, GroupId, LogError, NewRecord, Offset, Place, Placed, TimerChange, TopicConfig, TopicName,
};

/// One request to the committer.
#[derive(Debug)]
pub(super) enum Job {
    Append { record: NewRecord, reply: oneshot::Sender<Result<Placed, LogError>> },
    Change { change: Change, reply: oneshot::Sender<Result<(), LogError>> },
}

impl Job {
    /// Bytes that count towards the bound of the queue.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Append { record, .. } => record.size() + 128,
            Self::Change { change: Change::Timers { changes, .. }, .. } => {
                let payload = |change: &TimerChange| match change {
                    TimerChange::Put(row) | TimerChange::Replace(_, row) => row.payload.len(),
                    TimerChange::Delete(_) | TimerChange::End(_) => 0,
                };
                changes.iter().map(|change| payload(change) + 128).sum::<usize>() + 128
            }
            Self::Change { .. } => 128,
        }
    }

    pub(super) fn refuse(self, error: LogError) {
        match self {
            Self::Append { reply, .. } => drop(reply.send(Err(error))),
            Self::Change { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// A change that is not an append.
#[derive(Debug)]
pub(super) enum Change {
    Create(TopicName, TopicConfig),
    Delete(TopicName),
    Grow(TopicName, u32),
    Trim(Place, Offset),
    Commit(GroupId, Commit),
    Reset(GroupId, Place, Offset),
    Timers {
        group: GroupId,
        place: Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    },
    /// Drops what is past its retention, and groups that were not seen for long.
    Sweep,
    /// Nothing: resolves when all before it is durable.
    Barrier,
}
