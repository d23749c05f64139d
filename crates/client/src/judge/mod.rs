//! The judge: whether a recording kept every guarantee. It reads raw frames and answers as JSON and shares no code with the
//! machine, the state or the model, so that a mistake there cannot excuse itself here.
//!
//! A recording is a directory:
//! * `devices/<device>.ndjson` – a line each: `{"at", "what": "device", "account", "device"}` first; `open` with the position
//!   asked from; `frame` with a raw frame; `page` with a raw snapshot page; `stored` with the position that a FullSync gave.
//! * `sends.ndjson` – every send: account, device, key, the raw request, status (null if never answered), the raw answer.
//! * `changes.ndjson` – if there is one, every other change in a chat: account, device, key, its name, status, the raw answer.
//!   Each made an event, which is the seq of its answer; but for `read`, whose answer is the mark.
//! * `fresh/<account>.ndjson` – at the end, from a device with nothing: the pages of a FullSync, and every page of history.
//!
//! | | |
//! |---|---|
//! | H1 | per (device, log id): revision = previous + 1, or a FullSync jump, never back |
//! | H2 | one payload and tag per (account, log id, revision), one event per (chat, seq), whoever received it and when |
//! | H3 | every acknowledged send exactly once with its sender and all receivers, in logs and histories; another at most once; every event of a group with all whom it concerns |
//! | H4 | one seq per idempotency key |
//! | H5 | the seqs of a chat rise with the revision |
//! | H6 | what was acknowledged or pushed is there at the end |
//! | H7 | no log has a hole |
//! | H8 | what a device made of its frames is what a fresh FullSync gives; all members of a group see the same members |
//!
//! ```text
//! sends, changes ──────────────────────────────┐
//! account after account:                       ▼
//!   devices, line by line ──► log, sequence, copy ──► judged with the ending ──► groups, judged last
//!   fresh ──► ending ─────────────────────────────────────▲
//! ```

mod changes;
mod copy;
mod ending;
mod event;
mod groups;
mod log;
mod members;
mod recording;
mod sends;
mod seqs;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use self::changes::Marks;
use self::copy::Replayed;
use self::ending::Ending;
use self::groups::Groups;
use self::log::{AccountLog, Sequence};
pub use self::recording::ReadingError;
use self::recording::{AccountRecording, Recording};
use self::sends::Sends;

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
    /// Sends that never got an answer, or were refused.
    pub unanswered: u64,
    /// Other changes that were acknowledged.
    pub changes: u64,
    /// Messages in the histories at the end.
    pub messages: u64,
    /// Copies compared with a fresh FullSync.
    pub copies: u64,
    /// Groups whose members are known from the first event on.
    pub groups: u64,
    /// Events in them.
    pub events: u64,
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

/// Judges a recording. One account is held at a time, besides a few words for each send and each event of a group.
///
/// # Errors
/// If it cannot be read: then nothing is said about it.
pub fn judge(directory: &Path) -> Result<Verdict, ReadingError> {
    let mut verdict = Verdict::default();
    let recording = Recording::open(directory)?;
    let sends = Sends::read(recording.sends()?, &mut verdict)?;
    let mut groups = Groups::default();
    groups.take_sends(&sends, &mut verdict);
    let marks = changes::read(recording.changes()?, &mut groups, &mut verdict)?;
    let mut asked = Asked { sends, marks, groups };
    for (account, recorded) in &recording.accounts {
        asked.judge_account(account, recorded, &mut verdict)?;
    }
    for sender in asked.sends.senders().filter(|sender| !recording.accounts.contains_key(*sender)) {
        verdict.violated("H3", || format!("there is no history of {sender}"));
    }
    asked.groups.judge(&mut verdict);
    Ok(verdict)
}

/// What was asked of the node, to be held against each account.
struct Asked {
    sends: Sends,
    marks: Marks,
    groups: Groups,
}

impl Asked {
    fn judge_account(
        &mut self,
        account: &str,
        recorded: &AccountRecording,
        verdict: &mut Verdict,
    ) -> Result<(), ReadingError> {
        let ending = recorded.fresh()?.map(Ending::read).transpose()?;
        let mut log = AccountLog::default();
        for device in &recorded.devices {
            verdict.looked_at.devices += 1;
            let (mut sequence, mut copy) = (Sequence::of(&device.device), Replayed::default());
            for line in device.lines()? {
                let line = line?;
                sequence.take(&line, verdict);
                log.take(&line, account, verdict);
                copy.take(&line, account);
            }
            if let Some(ending) = &ending {
                copy.judge(&device.device, &ending.copy, verdict);
            }
        }
        let Some(ending) = &ending else {
            for guarantee in ["H3", "H6", "H8"] {
                verdict.violated(guarantee, || format!("nothing is known of the end of {account}"));
            }
            return Ok(());
        };
        sends::judge(account, &self.sends, (&log, ending), verdict);
        self.marks.judge(account, ending, verdict);
        self.groups.take_account(account, (&log, ending), &self.sends, verdict);
        Ok(())
    }
}
