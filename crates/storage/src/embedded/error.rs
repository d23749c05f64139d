//! Why a store does not open, and how the engine's errors become ours.

use std::path::PathBuf;

use crate::shard::ReadError;

/// Why a store was not opened. Each names the file concerned.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Options that cannot work.
    #[error("options of the embedded store: {}", .0.join("; "))]
    Options(Vec<String>),
    /// Somebody else has it open.
    #[error("{} is in use by {holder}", .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// What the holder wrote into the lock file: process and time.
        holder: String,
    },
    /// The store was made with something else than is now asked for.
    #[error("{} was made with {what} {stored}, but {asked} is asked for", .path.display())]
    Mismatch {
        /// The directory.
        path: PathBuf,
        /// Which of the pinned values.
        what: &'static str,
        /// As it was made.
        stored: u64,
        /// As it is asked for.
        asked: u64,
    },
    /// Something that was durable is gone.
    #[error("{} is damaged: {reason}; nothing was served from it. `denrei repair-store` says what it would give up", .path.display())]
    Damaged {
        /// The file or directory that shows it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused something.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The engine refused something.
    #[error("{}: {reason}", .path.display())]
    Engine {
        /// The directory.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// The engine's error at start. Everything that speaks of stored bytes is damage.
    pub(super) fn engine(path: impl Into<PathBuf>) -> impl FnOnce(fjall::Error) -> Self {
        let path = path.into();
        move |error| match error {
            fjall::Error::Io(source) => Self::Io { path, source },
            fjall::Error::Storage(fjall::LsmError::Io(source)) if !tells_of_damage(&source) => {
                Self::Io { path, source }
            }
            fjall::Error::Locked => Self::InUse { path, holder: "another process".to_owned() },
            fjall::Error::JournalRecovery(_)
            | fjall::Error::Storage(_)
            | fjall::Error::Decompress(_)
            | fjall::Error::InvalidTrailer
            | fjall::Error::InvalidTag(_)
            | fjall::Error::InvalidVersion(_)
            | fjall::Error::Unrecoverable => Self::Damaged { path, reason: format!("{error:?}") },
            other => Self::Engine { path, reason: format!("{other:?}") },
        }
    }
}

/// The engine's error at a read.
pub(super) fn read_error(error: fjall::Error) -> ReadError {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source))
            if !tells_of_damage(&source) =>
        {
            ReadError::Unavailable(source.to_string())
        }
        fjall::Error::Poisoned | fjall::Error::Locked => ReadError::Unavailable(format!("{error:?}")),
        other => ReadError::Damaged(format!("{other:?}")),
    }
}

/// Whether the file is not as it was written, rather than out of reach.
fn tells_of_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    matches!(error.kind(), InvalidData | NotFound | UnexpectedEof)
}
