//! What a shard tells of itself to admins.

use denrei_model::id::{AccountId, DeviceId};
use serde::Serialize;

use super::ShardActor;
use crate::session::StreamId;

/// How a shard is.
#[derive(Clone, Debug, Serialize)]
pub struct ShardReport {
    /// Which.
    pub shard: u16,
    /// Its fence; internal.
    pub epoch: u64,
    /// Items that wait for their turn: commands and records.
    pub queued_commands: usize,
    /// Records among what waits.
    pub queued_records: usize,
    /// Entities that are active.
    pub active: usize,
    /// The first hundred of them.
    pub entities: Vec<String>,
    /// Streams that are registered.
    pub sessions: usize,
    /// Rows kept because they are not durable yet or somebody waits.
    pub pinned_rows: usize,
    /// Departures that wait for their ticket.
    pub waiting: usize,
    /// The highest ticket.
    pub last_ticket: u64,
    /// The highest durable place that the shard was told.
    pub durable: u64,
    /// Turns since the shard was claimed.
    pub turns: u64,
    /// Requests that were shed.
    pub shed: u64,
    /// Panics of entities.
    pub panics: u64,
    /// Records set aside.
    pub skipped: u64,
    /// Records that came twice.
    pub repeats: u64,
    /// Records read from the durable inbox rather than handed over.
    pub pulled: u64,
    /// The last record taken from each shard.
    pub high_water: Vec<(u16, u64)>,
    /// What last went wrong.
    pub last_error: Option<String>,
    /// The sessions of the account asked for.
    pub account_sessions: Vec<SessionReport>,
}

/// A stream as its account's shard knows it.
#[derive(Clone, Debug, Serialize)]
pub struct SessionReport {
    /// Of which device.
    pub device: DeviceId,
    /// The stream.
    pub stream: u64,
}

impl ShardActor {
    pub(super) fn report(&self, account: Option<AccountId>) -> ShardReport {
        let (last, durable) = self.outgoing.marks();
        let sessions = account.map(|account| self.sessions.of(account)).unwrap_or_default();
        let session = |session: &crate::session::Session| {
            let StreamId(stream) = session.stream;
            SessionReport { device: session.device, stream }
        };
        ShardReport {
            shard: self.shard.get(),
            epoch: self.epoch.get(),
            queued_commands: self.line.commands(),
            queued_records: self.line.records(),
            active: self.registry.len(),
            entities: self.registry.entities().take(100).map(|entity| format!("{entity:?}")).collect(),
            sessions: self.sessions.len(),
            pinned_rows: self.memory.pinned(),
            waiting: self.outgoing.len(),
            last_ticket: last.get(),
            durable: durable.get(),
            turns: self.counts.turns,
            shed: self.counts.shed,
            panics: self.counts.panics,
            skipped: self.counts.skipped,
            repeats: self.counts.repeats,
            pulled: self.counts.pulled,
            high_water: self
                .inbox
                .marks()
                .into_iter()
                .map(|(shard, number)| (shard.get(), number.get()))
                .collect(),
            last_error: self.last_error.clone(),
            account_sessions: sessions.iter().map(session).collect(),
        }
    }
}
