//! Why a run has no report.

use crate::device::LinkError;
use crate::judge::ReadingError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The recording, or the machine.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The node.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The recording cannot be judged.
    #[error(transparent)]
    Judge(#[from] ReadingError),
}

impl From<tokio::task::JoinError> for RunError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Io(std::io::Error::other(error))
    }
}
