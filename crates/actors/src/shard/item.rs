//! Items: what waits for its turn on a shard, in one line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::id::ChatId;
use denrei_model::record::Record;
use denrei_model::row::DeviceKey;
use denrei_model::shard::Shard;
use denrei_storage::shard::{Applied, Fetch, Fetched, PendingRecord};
use prost::Message as _;
use tokio::sync::oneshot;

use super::memory::Captured;
use super::sweep::SweepStep;
use crate::entity::{EntityRef, Part};
use crate::route;
use crate::session::{Session, SessionRefused};

/// Why there is a turn.
pub(crate) enum Cause {
    /// A command.
    Ask(Part),
    /// A record from another shard.
    Record(Applying),
    /// A stream wants to be told of its account.
    Register { session: Session, to: oneshot::Sender<Result<(), SessionRefused>> },
    /// Read marks of a chat are due.
    Timer(ChatId, Part),
    /// The shard is to delete what it need not keep.
    Sweep(SweepStep),
    /// Nothing any more: who asked was told so while it waited.
    Shed,
}

impl Cause {
    /// Who must be active at the turn.
    pub(crate) fn entities(&self) -> Vec<EntityRef> {
        match self {
            Self::Ask(part) | Self::Timer(_, part) => vec![part.entity.clone()],
            Self::Record(applying) => applying.entities(),
            Self::Register { .. } | Self::Sweep(_) | Self::Shed => Vec::new(),
        }
    }

    /// The rows that the decision looks at, besides the cores of the entities.
    pub(crate) fn needs(&self, shard: Shard) -> Fetch {
        match self {
            Self::Ask(part) | Self::Timer(_, part) => part.needs.clone(),
            Self::Record(applying) => applying.needs(shard),
            Self::Register { session, .. } => {
                let key = DeviceKey { account: session.account, device: session.device };
                Fetch { keys: vec![key.into()], scans: Vec::new() }
            }
            Self::Sweep(step) => step.needs(shard),
            Self::Shed => Fetch::default(),
        }
    }
}

/// A record that arrives: from the shard that emitted it, or read from the durable inbox.
pub(crate) struct Arriving {
    /// As it is stored.
    pub(crate) pending: PendingRecord,
    /// What it says, if whoever hands it over knows.
    pub(crate) record: Option<Arc<Record>>,
}

impl From<PendingRecord> for Arriving {
    fn from(pending: PendingRecord) -> Self {
        Self { pending, record: None }
    }
}

/// Why a record is set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GivenUp {
    /// It does not decode.
    Malformed,
    /// Rows that it needs are damaged.
    Damaged,
    /// An entity panicked each time.
    Panicked,
    /// What follows from it is too large for one commit.
    TooLarge,
}

impl GivenUp {
    /// In words.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "it does not decode",
            Self::Damaged => "rows that it needs are damaged",
            Self::Panicked => "its entity panicked each time",
            Self::TooLarge => "what follows from it is too large for one commit",
        }
    }
}

/// A record that is being applied.
pub(crate) struct Applying {
    pub(crate) pending: PendingRecord,
    /// Absent when it does not decode.
    pub(crate) record: Option<Arc<Record>>,
    /// How often it made an entity panic.
    pub(crate) panics: u32,
    /// Why it is not applied any more, but set aside.
    pub(crate) given_up: Option<GivenUp>,
    /// On the monotonic clock: when it came. It stays what it was when the record is put back.
    pub(crate) since: Duration,
}

impl Applying {
    pub(crate) fn new(Arriving { pending, record }: Arriving, since: Duration) -> Self {
        let record = record.or_else(|| Record::decode(pending.record.clone()).ok().map(Arc::new));
        Self { pending, record, panics: 0, given_up: None, since }
    }

    fn entities(&self) -> Vec<EntityRef> {
        let applied = self.record.as_deref().filter(|_| self.given_up.is_none());
        applied.map(route::entities).unwrap_or_default()
    }

    fn needs(&self, shard: Shard) -> Fetch {
        match self.record.as_deref() {
            None => Fetch::default(),
            Some(record) if self.given_up.is_some() => route::remains(record, shard),
            Some(record) => route::needs(record, shard),
        }
    }

    /// What its commit says of it.
    pub(crate) fn mark(&self) -> Applied {
        Applied { from: self.pending.from, number: self.pending.number }
    }
}

/// One thing that waits.
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) cause: Cause,
    /// On the monotonic clock: when it came.
    pub(crate) since: Duration,
    /// Entities that must be active at the turn; pinned until then.
    pub(crate) entities: Vec<EntityRef>,
    pub(crate) captured: Captured,
    /// Empty until what was missing has been read.
    pub(crate) fetched: Option<Fetched>,
    /// The rows can never be read.
    pub(crate) damaged: bool,
}

impl Item {
    /// Whether all is known that can be known of its rows.
    pub(crate) const fn is_read(&self) -> bool {
        self.fetched.is_some() || self.damaged
    }
}

/// The line. Ids are contiguous, so that a read finds its item.
pub(crate) struct Line {
    items: VecDeque<Item>,
    next: u64,
    commands: usize,
    records: usize,
}

impl Default for Line {
    fn default() -> Self {
        // Above zero, so that an item put back to the front has an id too.
        Self { items: VecDeque::new(), next: 1 << 32, commands: 0, records: 0 }
    }
}

impl Line {
    pub(crate) fn next_id(&self) -> u64 {
        self.next
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.count(&item.cause, 1);
        self.next = item.id + 1;
        self.items.push_back(item);
    }

    /// Puts an item back to the front; its id is given here.
    pub(crate) fn unpop(&mut self, mut item: Item) -> u64 {
        let id = match self.items.front() {
            Some(front) => front.id - 1,
            None => {
                self.next += 1;
                self.next - 1
            }
        };
        item.id = id;
        self.count(&item.cause, 1);
        self.items.push_front(item);
        id
    }

    /// Takes the commands out that wait; their places stay, with nothing in them.
    pub(crate) fn take_commands(&mut self) -> Vec<Cause> {
        let is_command = |item: &&mut Item| !matches!(item.cause, Cause::Record(_) | Cause::Shed);
        let commands = self.items.iter_mut().filter(is_command);
        let taken: Vec<Cause> =
            commands.map(|item| std::mem::replace(&mut item.cause, Cause::Shed)).collect();
        self.commands = 0;
        taken
    }

    fn count(&mut self, cause: &Cause, by: isize) {
        let counter = match cause {
            Cause::Shed => return,
            Cause::Record(_) => &mut self.records,
            Cause::Ask(_) | Cause::Register { .. } | Cause::Timer(..) | Cause::Sweep(_) => &mut self.commands,
        };
        *counter = counter.saturating_add_signed(by);
    }

    /// The item with this id, if it still waits.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Item> {
        let first = self.items.front()?.id;
        self.items.get_mut(usize::try_from(id.checked_sub(first)?).ok()?)
    }

    /// The capture mark of the item that was captured first. Captures are in order, but for an item that was put back to
    /// the front, which was captured anew.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.items.iter().take(2).map(|item| item.captured.at).min()
    }

    /// Since when the oldest waits. They are in order, but for an item that was put back to the front.
    pub(crate) fn waiting_since(&self) -> Option<Duration> {
        self.items.iter().take(2).map(|item| item.since).min()
    }

    pub(crate) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.count(&item.cause, -1);
        Some(item)
    }

    pub(crate) const fn commands(&self) -> usize {
        self.commands
    }

    pub(crate) const fn records(&self) -> usize {
        self.records
    }
}
