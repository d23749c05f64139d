//! Why a run has no report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::device::LinkError;
use crate::judge::ReadingError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The recording cannot be kept.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The node.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// There was none in the time that the run was to take.
    #[error("no node answered at {node} within {} s: {why}", .within.as_secs_f64())]
    Unmet {
        /// Where.
        node: String,
        /// How long it was waited for.
        within: Duration,
        /// What the last attempt met with.
        why: String,
    },
    /// The recording cannot be judged.
    #[error(transparent)]
    Judge(#[from] ReadingError),
}

/// Why a recording cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file or directory of it cannot be written, or an earlier one not replaced.
    #[error("cannot record to {}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something is where it is to go that is not of an earlier recording.
    #[error(
        "{} is not of an earlier recording, and is not touched: record to a directory that is new, empty or holds a recording \
         alone",
        .path.display()
    )]
    Foreign {
        /// What.
        path: PathBuf,
    },
}

impl RecordError {
    /// What went wrong at this path.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl From<tokio::task::JoinError> for RunError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Io(std::io::Error::other(error))
    }
}
