//! What a shard tells of itself to admins: figures, which cost it nothing to speak of, and a report with lists.

use denrei_model::id::DeviceId;
use serde::Serialize;

use super::ShardActor;
use crate::entity::EntityRef;
use crate::session::{Session, StreamId};

/// Most entities that a report names.
const NAMED: usize = 100;

/// How a shard is, in figures.
#[derive(Clone, Debug, Serialize)]
pub struct ShardFigures {
    /// Its fence; internal.
    pub epoch: u64,
    /// Commands, sign-ons and timers that wait for their turn.
    pub queued_commands: usize,
    /// Records that wait for their turn.
    pub queued_records: usize,
    /// For how long the oldest of all these has waited, in milliseconds; absent if nothing waits.
    pub oldest_waits_ms: Option<u64>,
    /// Entities that are active.
    pub active: usize,
    /// Accounts among them.
    pub active_accounts: usize,
    /// Chats among them.
    pub active_chats: usize,
    /// Names of the directory among them.
    pub active_names: usize,
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
    /// What last went wrong.
    pub last_error: Option<String>,
}

/// All that a shard tells of itself.
#[derive(Clone, Debug, Serialize)]
pub struct ShardReport {
    /// How it is.
    #[serde(flatten)]
    pub figures: ShardFigures,
    /// The first hundred entities that are active. Codes that link a device are names too, and are not shown.
    pub entities: Vec<String>,
    /// The last record taken from each shard.
    pub high_water: Vec<(u16, u64)>,
    /// The entity asked for.
    #[serde(skip)]
    pub entity: Option<EntityReport>,
}

/// How one entity is on its shard.
#[derive(Clone, Debug, Serialize)]
pub struct EntityReport {
    /// Whether it is active.
    pub active: bool,
    /// Items that wait for a turn with it, or have it: while there are any it stays active.
    pub pinned_by: u32,
    /// For how much longer it rests after a panic, in milliseconds; absent if it does not.
    pub rests_ms: Option<u64>,
    /// The streams of an account; none for what is no account.
    pub sessions: Vec<SessionReport>,
}

/// A stream as its account's shard knows it.
#[derive(Clone, Debug, Serialize)]
pub struct SessionReport {
    /// Of which device.
    pub device: DeviceId,
    /// The stream.
    pub stream: u64,
}

impl From<&Session> for SessionReport {
    fn from(session: &Session) -> Self {
        let StreamId(stream) = session.stream;
        Self { device: session.device, stream }
    }
}

impl ShardActor {
    /// Counts what is counted anyway: nothing is walked through.
    pub(super) fn figures(&self) -> ShardFigures {
        let (last, durable) = self.outgoing.marks();
        let now = self.around.clock.monotonic();
        let active = self.registry.census();
        ShardFigures {
            epoch: self.epoch.get(),
            queued_commands: self.line.commands(),
            queued_records: self.line.records(),
            oldest_waits_ms: self.line.waiting_since().map(|since| millis(now.saturating_sub(since))),
            active: self.registry.len(),
            active_accounts: active.accounts,
            active_chats: active.chats,
            active_names: active.names,
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
            last_error: self.last_error.clone(),
        }
    }

    pub(super) fn report(&self, entity: Option<&EntityRef>) -> ShardReport {
        let marks = self.inbox.marks().into_iter();
        ShardReport {
            figures: self.figures(),
            entities: self.registry.entities().take(NAMED).map(|entity| format!("{entity:?}")).collect(),
            high_water: marks.map(|(shard, number)| (shard.get(), number.get())).collect(),
            entity: entity.map(|entity| self.entity(entity)),
        }
    }

    fn entity(&self, entity: &EntityRef) -> EntityReport {
        let sessions = match entity {
            EntityRef::Account(account) => self.sessions.of(*account),
            EntityRef::Chat(_) | EntityRef::Name(_) => &[],
        };
        let now = self.around.clock.monotonic();
        let rests = self.registry.resting_until(entity).filter(|until| *until > now);
        EntityReport {
            active: self.registry.is_active(entity),
            pinned_by: self.registry.pinned_by(entity),
            rests_ms: rests.map(|until| millis(until.saturating_sub(now))),
            sessions: sessions.iter().map(SessionReport::from).collect(),
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
