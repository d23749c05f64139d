//! Load: made-up people on a real node, in patterns that a messenger knows; and a verdict.
//!
//! ```text
//! direct   people write to a few friends each
//! groups   people make groups, come and go, write, read, react, take back
//! idle     many streams are held open and nothing is sent
//! storm    all connections are cut and made again at once, every few seconds, while people write
//! slow     some devices read a few bytes a second, while people write
//! ```
//! `schedule` says what is due when, each pattern what it is, `drive` puts it on the stage.

mod direct;
mod drive;
mod groups;
mod idle;
mod options;
mod report;
mod schedule;
mod slow;
mod storm;

use crate::stage;

pub use crate::stage::{Latency, RecordError, Report, RunError};
pub use options::{Extent, LoadOptions, Pattern};
pub use report::{Findings, LoadReport};

/// Plays a pattern and judges what came of it. Runs on a single-threaded runtime of its own.
///
/// # Errors
/// See [`RunError`]. Broken guarantees are no error: the report names them.
pub fn run(options: &LoadOptions) -> Result<LoadReport, RunError> {
    stage::perform(drive::load(options))?
}
