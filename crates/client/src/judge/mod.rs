//! The judge: whether a recording kept every guarantee. It reads raw frames and answers as JSON and shares no code with the
//! machine, the state or the model, so that a mistake there cannot excuse itself here.
//!
//! A recording is a directory:
//! * `devices/<device>.ndjson` – a line each: `{"at", "what": "device", "account", "device"}` first; `open` with the position
//!   asked from; `frame` with a raw frame; `page` with a raw snapshot page; `stored` with the position that a FullSync gave.
//! * `sends.ndjson` – every send: account, device, key, the raw request, status (null if never answered), the raw answer.
//! * `fresh/<account>.ndjson` – at the end, from a device with nothing: the pages of a FullSync, and every page of history.
//!
//! | | |
//! |---|---|
//! | H1 | per (device, log id): revision = previous + 1, or a FullSync jump, never back |
//! | H2 | one payload and tag per (account, log id, revision), whoever received it and when |
//! | H3 | every acknowledged send exactly once with its sender and all receivers, in logs and histories; another at most once |
//! | H4 | one seq per idempotency key |
//! | H5 | the seqs of a chat rise with the revision |
//! | H6 | what was acknowledged or pushed is there at the end |
//! | H7 | no log has a hole |
//! | H8 | what a device made of its frames is what a fresh FullSync gives |

mod copy;
mod ending;
mod log;
mod recording;
mod sends;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

pub use recording::{ReadingError, Recording};

/// Violations kept in words; the rest is counted.
const KEPT: usize = 20;

/// What the judge found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// How many violations of each guarantee.
    pub counts: BTreeMap<&'static str, u64>,
    /// The first of them in words.
    pub first: Vec<String>,
    /// What was looked at.
    pub looked_at: LookedAt,
}

/// How much was judged; a verdict over nothing is worth nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LookedAt {
    /// Devices.
    pub devices: u64,
    /// Operations in frames.
    pub operations: u64,
    /// FullSyncs.
    pub full_syncs: u64,
    /// Sends that were acknowledged.
    pub acknowledged: u64,
    /// Sends that never got an answer.
    pub unanswered: u64,
    /// Messages in the histories at the end.
    pub messages: u64,
    /// Copies compared with a fresh FullSync.
    pub copies: u64,
}

impl Verdict {
    /// Whether nothing was violated.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    fn violated(&mut self, guarantee: &'static str, words: impl FnOnce() -> String) {
        *self.counts.entry(guarantee).or_default() += 1;
        if self.first.len() < KEPT {
            self.first.push(format!("{guarantee}: {}", words()));
        }
    }
}

/// Judges a recording.
///
/// # Errors
/// If it cannot be read: then nothing is said about it.
pub fn judge(directory: &Path) -> Result<Verdict, ReadingError> {
    Ok(judge_recording(&Recording::read(directory)?))
}

/// Judges a recording that was read.
#[must_use]
pub fn judge_recording(recording: &Recording) -> Verdict {
    let mut verdict = Verdict::default();
    let logs = log::judge(recording, &mut verdict);
    sends::judge(recording, &logs, &mut verdict);
    copy::judge(recording, &mut verdict);
    verdict
}
