//! Sweeping: a shard deletes, a bounded step at a time, what it need not keep any more.
//!
//! Answers are kept while their keys are honoured: 48 hours. Operations are kept for as long as whoever asks says; a device
//! that needs older ones takes snapshots. One step is one turn and one commit of the shard, as that of a command is, and may
//! be repeated: what is gone is gone. Whoever asks goes on with [`Swept::rest`].

use std::time::Duration;

use actix::{Context, Handler, Message};
use denrei_model::clock::{Day, Timestamp};
use denrei_model::effects::Effects;
use denrei_model::id::AccountId;
use denrei_model::position::Revision;
use denrei_model::row::{AnswerKey, Change, HeadKey, HeadRow, Key, KeyRange, OpKey, OpRow};
use denrei_model::shard::Shard;
use denrei_storage::shard::{Fetch, Scan};
use prost::Message as _;
use tokio::sync::oneshot;

use super::ShardActor;
use super::commit::Source;
use super::item::Cause;
use crate::command::{Reply, oldest_answer_day};
use crate::rows::Rows;

/// Most rows that one step deletes: a commit that nobody behind it in line notices.
const STEP_ROWS: usize = 512;
/// Most accounts that one step looks at.
const STEP_ACCOUNTS: usize = 32;
/// How far the clock may be set back before a key whose answer was deleted would be honoured again.
const CLOCK_SLACK: Duration = Duration::from_secs(3_600);

/// What a shard is to sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sweep {
    /// The answers under idempotency keys that are refused by now.
    Answers {
        /// Where an earlier step ended; none at the beginning. What was deleted there need not be passed over again.
        from: Option<AnswerKey>,
    },
    /// Operations of these accounts of the shard, made before this time.
    Operations {
        /// Whose.
        accounts: Vec<AccountId>,
        /// Younger ones stay, and with them the one that comes before the first of them.
        before: Timestamp,
    },
}

/// What a step has deleted, durably.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swept {
    /// How many rows.
    pub rows: usize,
    /// What is left to be swept, if anything: to be asked for next.
    pub rest: Option<Sweep>,
}

/// Why a step was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SweepError {
    /// Too much to do; ask again after this long.
    #[error("overloaded; try again in {0:?}")]
    Overloaded(Duration),
    /// The shard cannot answer at the moment; whether it was done is not known.
    #[error("not available: {0}")]
    Unavailable(&'static str),
}

/// A step that waits for its turn.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct SweepStep {
    sweep: Sweep,
    /// Answers of this day and later ones stay.
    oldest: Day,
    to: oneshot::Sender<Result<Swept, SweepError>>,
}

impl SweepStep {
    pub(crate) fn new(sweep: Sweep, now: Timestamp, to: oneshot::Sender<Result<Swept, SweepError>>) -> Self {
        let settled = Timestamp::default().plus(now.since(Timestamp::default().plus(CLOCK_SLACK)));
        Self { sweep, oldest: oldest_answer_day(settled.day()), to }
    }

    /// The rows that may go, and the heads of their logs.
    pub(crate) fn needs(&self, shard: Shard) -> Fetch {
        match &self.sweep {
            Sweep::Answers { from } => {
                let key = |day| AnswerKey { shard, day, digest: [0; 16] };
                let from = from.clone().filter(|from| from.shard == shard).unwrap_or_else(|| key(0));
                let range = KeyRange::new(from, key(self.oldest.number()));
                Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, STEP_ROWS)] }
            }
            Sweep::Operations { accounts, .. } => {
                let (now, _) = split(accounts);
                let key = |account, revision| OpKey { account, revision };
                let range = |of: &AccountId| KeyRange::new(key(*of, Revision::ZERO), key(*of, Revision::MAX));
                let scan = |of| Scan::forward(range(of), share(now.len()));
                Fetch {
                    keys: now.iter().map(|account| HeadKey { account: *account }.into()).collect(),
                    scans: now.iter().map(scan).collect(),
                }
            }
        }
    }

    pub(super) fn shed(self, after: Duration) {
        // Whoever asked may have gone; the next sweep finds the same.
        let _ = self.to.send(Err(SweepError::Overloaded(after)));
    }
}

/// The accounts of this step, and those of later ones.
fn split(accounts: &[AccountId]) -> (&[AccountId], &[AccountId]) {
    accounts.split_at(accounts.len().min(STEP_ACCOUNTS))
}

/// Operations read of each of so many accounts.
fn share(accounts: usize) -> usize {
    STEP_ROWS / accounts.max(1)
}

/// What a step deletes, and what it leaves to the next. Pure.
fn decide(sweep: Sweep, rows: &Rows) -> (Vec<Change>, Option<Sweep>) {
    match sweep {
        Sweep::Answers { .. } => {
            let changes: Vec<Change> =
                rows.scan::<AnswerKey>(0).map(|(key, _)| Change::Delete(key.clone())).collect();
            let rest = match changes.last().map(Change::key) {
                Some(Key::Answer(last)) if changes.len() >= STEP_ROWS => {
                    Some(Sweep::Answers { from: Some(last.clone()) })
                }
                _ => None,
            };
            (changes, rest)
        }
        Sweep::Operations { accounts, before } => {
            let (now, later) = split(&accounts);
            let mut changes = Vec::new();
            let mut rest = Vec::new();
            for (index, account) in now.iter().enumerate() {
                let operations: Vec<(&Key, &OpRow)> = rows.scan::<OpKey>(index).collect();
                let gone = trim(*account, &operations, before, rows, &mut changes);
                // All that was read could go, but for the last, whose follower was not read: there may be more.
                if gone > 0 && gone + 1 >= share(now.len()) {
                    rest.push(*account);
                }
            }
            rest.extend_from_slice(later);
            let rest = (!rest.is_empty()).then_some(Sweep::Operations { accounts: rest, before });
            (changes, rest)
        }
    }
}

/// Deletes the operations with which a log begins and which were made before the time, but for the last of them, and moves
/// the log's beginning there. Says how many.
///
/// The last one stays as the anchor of those that follow: a device that has all up to it is told by its tag.
fn trim(
    account: AccountId,
    operations: &[(&Key, &OpRow)],
    before: Timestamp,
    rows: &Rows,
    changes: &mut Vec<Change>,
) -> usize {
    let Some(head) = rows.get(&HeadKey { account }) else { return 0 };
    let old = operations.iter().take_while(|(_, row)| made_at(row).is_some_and(|at| at < before)).count();
    let gone = old.saturating_sub(1);
    let mut first = head.first;
    for (key, _) in operations.iter().take(gone) {
        if let Key::Op(OpKey { revision, .. }) = key {
            first = first.max(revision.next());
        }
        changes.push(Change::Delete((*key).clone()));
    }
    if first > head.first {
        changes.push(Change::put(HeadKey { account }, HeadRow { first, ..head.clone() }));
    }
    gone
}

/// When a stored operation was made; none if it does not say so, as a damaged one does not.
#[must_use]
pub fn made_at(operation: &OpRow) -> Option<Timestamp> {
    /// The one field that is looked at: the payload is passed over.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Made {
        #[prost(uint64, tag = "2")]
        at: u64,
    }
    Made::decode(operation.stored.clone()).ok().map(|made| Timestamp::from_millis(made.at))
}

impl Handler<SweepStep> for ShardActor {
    type Result = ();

    fn handle(&mut self, mut step: SweepStep, ctx: &mut Context<Self>) {
        if let Sweep::Operations { accounts, .. } = &mut step.sweep {
            // Rows of another shard have another writer.
            accounts.retain(|account| self.around.shards.of_account(*account) == self.shard);
            accounts.sort_unstable();
            accounts.dedup();
        }
        if self.has_no_room() {
            self.counts.shed += 1;
            return step.shed(self.around.options.retry_after());
        }
        self.arrive(Cause::Sweep(step), ctx);
    }
}

impl ShardActor {
    /// A turn of the shard itself: no entity decides it.
    pub(super) fn sweep(&mut self, step: SweepStep, rows: &Rows, ctx: &Context<Self>) {
        self.counts.turns += 1;
        let (changes, rest) = decide(step.sweep, rows);
        let deleted = changes.iter().filter(|change| matches!(change, Change::Delete(_))).count();
        let reply = SweepReply { swept: Swept { rows: deleted, rest }, to: step.to };
        let entry = self.ledger.enter(Effects { changes, ..Effects::default() }, rows, Vec::new());
        self.commit(entry, Some(Box::new(reply)), Source::default(), ctx);
    }
}

struct SweepReply {
    swept: Swept,
    to: oneshot::Sender<Result<Swept, SweepError>>,
}

impl Reply for SweepReply {
    fn release(self: Box<Self>) {
        let _ = self.to.send(Ok(self.swept));
    }

    fn shed(self: Box<Self>, after: Duration) {
        let _ = self.to.send(Err(SweepError::Overloaded(after)));
    }
}

#[cfg(test)]
#[path = "sweep/tests.rs"]
mod tests;
