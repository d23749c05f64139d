//! What the committer is asked to make durable.

use tokio::sync::oneshot;

use crate::log::{
    Commit, Epoch, GroupId, LogError, NewRecord, Offset, Place, Placed, TimerId, TimerRow, TopicConfig,
    TopicName,
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
            Self::Change { change: Change::Timers { put, .. }, .. } => {
                put.iter().map(|row| row.payload.len() + 128).sum::<usize>() + 128
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
        put: Vec<TimerRow>,
        delete: Vec<TimerId>,
    },
    /// Drops what is past its retention, and groups that were not seen for long.
    Sweep,
    /// Nothing: resolves when all before it is durable.
    Barrier,
}
