//! What can go wrong with a log: a kind, and whether trying again can help.

/// Whether an operation may succeed if it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes: the same call may succeed later.
    Later,
    /// No: the same call will fail again.
    Never,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The topic is not there (not created yet, or deleted).
    NoTopic,
    /// The topic has no such partition.
    NoPartition,
    /// The topic is there already.
    TopicExists,
    /// The partition belongs to somebody else by now: nothing may be committed for it.
    NotOwner,
    /// The record is larger than the topic takes.
    TooLarge,
    /// The queue of what waits to become durable is full.
    Full,
    /// The group has members, and its offsets can only be set while it has none.
    GroupActive,
    /// A request that makes no sense (a name that is not allowed, zero partitions).
    Invalid,
    /// The log is closed.
    Closed,
    /// What was read back cannot be what was written.
    Corrupt,
    /// The store or the broker cannot be reached or refuses at the moment.
    Unavailable,
    /// The backend failed in a way that will not pass; the handle is of no more use.
    Fatal,
}

/// An error of the partitioned log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind:?}: {message}")]
pub struct LogError {
    kind: ErrorKind,
    message: String,
}

impl LogError {
    /// An error of this kind, with what is known about it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether trying again can help.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self.kind {
            ErrorKind::Full | ErrorKind::Unavailable | ErrorKind::NoTopic | ErrorKind::GroupActive => {
                Retry::Later
            }
            ErrorKind::NoPartition
            | ErrorKind::TopicExists
            | ErrorKind::NotOwner
            | ErrorKind::TooLarge
            | ErrorKind::Invalid
            | ErrorKind::Closed
            | ErrorKind::Corrupt
            | ErrorKind::Fatal => Retry::Never,
        }
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the log is closed")
    }
}
