//! Replay: the messages of real people, sent through real devices to a real node that may die on the way; and a verdict.
//!
//! ```text
//! source ──lines──► cast: people, devices, who is away when ──► drive: on the stage, senders in order ──► report
//! ```

mod cast;
mod drive;
mod report;
mod source;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::stage;

pub use crate::stage::{Latency, RecordError, Report, RunError};
pub use report::ReplayReport;

/// What to replay, against which node.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Lines `sender receiver unix_seconds`; a header line is passed over, messages to oneself are left out.
    pub file: PathBuf,
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub node: String,
    /// PEM file of the certificates to trust over TLS; those of the system if absent.
    pub certificates: Option<PathBuf>,
    /// Send at this multiple of the recorded speed (open loop); as fast as it goes if absent (closed loop).
    pub speed: Option<f64>,
    /// What chance decides: who is away when, who has two devices.
    pub seed: u64,
    /// Only the first so many messages.
    pub limit: Option<NonZeroUsize>,
    /// Sends that may wait for their answer at once.
    pub in_flight: usize,
    /// Where the recording is kept; nowhere if absent.
    pub record: Option<PathBuf>,
    /// Show a progress bar.
    pub progress: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("cannot read {}", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds nothing to send.
    #[error(
        "{} holds no message from one person to another ({to_oneself} to oneself): a line is `sender receiver unix_seconds`",
        .file.display()
    )]
    Nothing {
        /// Which.
        file: PathBuf,
        /// Messages that somebody wrote to themselves.
        to_oneself: u64,
    },
    /// A line of the file.
    #[error("{}, line {line}: expected `sender receiver unix_seconds`", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Which line.
        line: usize,
    },
    /// The node, the recording, or the machine.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Replays a file and judges what came of it. Runs on a single-threaded runtime of its own.
///
/// # Errors
/// See [`ReplayError`]. Broken guarantees are no error: the report names them.
pub fn run(options: &ReplayOptions) -> Result<ReplayReport, ReplayError> {
    stage::perform(drive::replay(options)).map_err(RunError::from)?
}
