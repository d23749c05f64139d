//! Figures of the shards, summed over the node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use denrei_actors::Handle;
use denrei_actors::shard::ShardFigures;
use denrei_model::shard::Shard;

use super::exposition::{Figure, table};
use crate::debug::survey::{Figures, State};

/// What a shard has counted since it was claimed.
#[derive(Clone, Copy, Default)]
struct Counts {
    turns: u64,
    shed: u64,
    panics: u64,
    skipped: u64,
    repeats: u64,
    pulled: u64,
}

impl From<&ShardFigures> for Counts {
    fn from(figures: &ShardFigures) -> Self {
        Self {
            turns: figures.turns,
            shed: figures.shed,
            panics: figures.panics,
            skipped: figures.skipped,
            repeats: figures.repeats,
            pulled: figures.pulled,
        }
    }
}

impl Counts {
    /// Each count of one with the same of another.
    fn with(self, other: Self, each: fn(u64, u64) -> u64) -> Self {
        Self {
            turns: each(self.turns, other.turns),
            shed: each(self.shed, other.shed),
            panics: each(self.panics, other.panics),
            skipped: each(self.skipped, other.skipped),
            repeats: each(self.repeats, other.repeats),
            pulled: each(self.pulled, other.pulled),
        }
    }
}

/// The counters of each claim of a shard as they were told last. A sum must not fall because a shard does not answer or was
/// claimed anew: it would be taken for a restart of the node, and what comes after it for growth.
#[derive(Clone, Default)]
pub(in crate::debug) struct LastTold(Arc<Mutex<BTreeMap<(Shard, u64), Counts>>>);

impl LastTold {
    /// Takes up what the shards have told, and sums over all of them.
    fn sum(&self, answers: &Figures) -> Counts {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, figures) in answers.iter().filter_map(|(shard, answer)| Some((*shard, answer.told()?))) {
            let known = told.entry((shard, figures.epoch)).or_default();
            // Another request may have asked later and been answered sooner.
            *known = known.with(Counts::from(figures), u64::max);
        }
        told.values().fold(Counts::default(), |sum, counts| sum.with(*counts, u64::saturating_add))
    }
}

/// The shards of a node together.
struct Together {
    answers: Figures,
    counts: Counts,
    /// Messages in the mailboxes of all shards, those that do not answer included.
    mailbox: usize,
}

impl Together {
    fn shards(&self, state: State) -> f64 {
        self.answers.iter().filter(|(_, answer)| answer.state() == state).count() as f64
    }

    fn told(&self) -> impl Iterator<Item = &ShardFigures> {
        self.answers.iter().filter_map(|(_, answer)| answer.told())
    }

    fn now(&self, of: impl Fn(&ShardFigures) -> usize) -> f64 {
        self.told().map(of).sum::<usize>() as f64
    }

    /// The longest wait on any of them.
    fn oldest_seconds(&self) -> f64 {
        let oldest = self.told().filter_map(|shard| shard.oldest_waits_ms).max();
        Duration::from_millis(oldest.unwrap_or_default()).as_secs_f64()
    }
}

const SHARDS: &[Figure<Together>] = &[
    Figure::gauge("denrei_shard_running_shards", "Shards that answered this scrape.", |all| {
        all.shards(State::Running)
    }),
    Figure::gauge(
        "denrei_shard_stuck_shards",
        "Shards that did not answer within a second. Gauges do without them, counters keep what they told last.",
        |all| all.shards(State::Stuck),
    ),
    Figure::gauge(
        "denrei_shard_stopped_shards",
        "Shards that are not here: lost, or the node is going.",
        |all| all.shards(State::Stopped),
    ),
    Figure::gauge(
        "denrei_shard_queued_commands",
        "Commands, sign-ons of streams and timers that wait for their turn.",
        |all| all.now(|shard| shard.queued_commands),
    ),
    Figure::gauge(
        "denrei_shard_queued_records",
        "Records of other shards that wait for their turn.",
        |all| all.now(|shard| shard.queued_records),
    ),
    Figure::gauge(
        "denrei_shard_mailbox_messages",
        "Messages that shards have not taken up. Of those that do not answer too.",
        |all| all.mailbox as f64,
    ),
    Figure::gauge(
        "denrei_shard_oldest_wait_seconds",
        "For how long the oldest of all that wait for their turn has waited; 0 if nothing waits.",
        Together::oldest_seconds,
    ),
    Figure::gauge("denrei_shard_active_entities", "Accounts, chats and names that are active.", |all| {
        all.now(|shard| shard.active)
    }),
    Figure::gauge("denrei_shard_active_accounts", "Accounts that are active.", |all| {
        all.now(|shard| shard.active_accounts)
    }),
    Figure::gauge("denrei_shard_active_chats", "Chats that are active.", |all| {
        all.now(|shard| shard.active_chats)
    }),
    Figure::gauge(
        "denrei_shard_streams",
        "Device streams and long-polls that their account's shard knows.",
        |all| all.now(|shard| shard.sessions),
    ),
    Figure::gauge(
        "denrei_shard_pinned_rows",
        "Rows kept in memory because they are not durable yet, or somebody waits for their turn.",
        |all| all.now(|shard| shard.pinned_rows),
    ),
    Figure::gauge(
        "denrei_shard_waiting_replies",
        "Turns whose replies and pushes wait until what they rest on is durable.",
        |all| all.now(|shard| shard.waiting),
    ),
    Figure::counter("denrei_shard_turns_total", "Turns taken: commands, records and timers.", |all| {
        all.counts.turns as f64
    }),
    Figure::counter(
        "denrei_shard_shed_requests_total",
        "Requests refused because there was too much to do, or because the store refused their commit.",
        |all| all.counts.shed as f64,
    ),
    Figure::counter("denrei_shard_panics_total", "Panics of entities; each was loaded again.", |all| {
        all.counts.panics as f64
    }),
    Figure::counter(
        "denrei_shard_skipped_records_total",
        "Records set aside as dead letters because they could not be applied.",
        |all| all.counts.skipped as f64,
    ),
    Figure::counter(
        "denrei_shard_repeated_records_total",
        "Records that came again and were dropped.",
        |all| all.counts.repeats as f64,
    ),
    Figure::counter(
        "denrei_shard_pulled_records_total",
        "Records read from the durable inbox because they were not handed over.",
        |all| all.counts.pulled as f64,
    ),
];

/// Writes them.
pub(super) fn write(out: &mut String, last_told: &LastTold, runtime: &Handle, answers: Figures) {
    let counts = last_told.sum(&answers);
    let mailbox = runtime.shards().all().map(|shard| runtime.mailbox(shard)).sum();
    table(out, SHARDS, &Together { answers, counts, mailbox });
}
