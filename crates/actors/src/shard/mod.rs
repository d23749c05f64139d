//! The shard: owns the order of everything that happens to its entities, and supervises them.
//!
//! ```text
//! arrive ──► line ──► turn ──► ledger ──► enqueue ──► outgoing ──committed──► replies, pushes, notices
//!   │ capture rows,     │ one at a time;     │ numbers     │ ticket
//!   │ read the rest     │ entities decide    │             └─► records to their shards (early apply)
//! ```
//! One item has its turn at a time, in order of arrival. A record that makes its entity panic is tried again after a rest,
//! then set aside as a dead letter. When the store says that the shard is not ours any more, the actor stops at once and
//! shows nothing.

mod attention;
mod commit;
pub(crate) mod faults;
mod inbox;
mod item;
pub(crate) mod ledger;
mod mailbox;
mod memory;
mod messages;
mod options;
mod outgoing;
mod records;
mod registry;
mod report;
mod sessions;
mod sweep;
mod timers;
mod turn;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext as _, Context};
use denrei_model::clock::Clock;
use denrei_model::id::ChatId;
use denrei_model::position::Epoch;
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::{Claim, InboxStore, Reader, ShardStore};
use foldhash::HashMap;
use tokio::sync::Semaphore;

pub(crate) use attention::Missed;
pub(crate) use item::Arriving;
pub(crate) use mailbox::{Depth, FromOutside};
pub(crate) use messages::{Ask, Committed, End, Handed, Inspect, Lose, Measure, Register, Stop, TurnDone};
pub use options::ShardOptions;
pub use report::{EntityReport, SessionReport, ShardFigures, ShardReport};
pub(crate) use sweep::SweepStep;
pub use sweep::{Sweep, SweepError, Swept, made_at};

use crate::runtime::Routes;
use crate::session::Watch;
use inbox::Inbox;
use item::Line;
use ledger::Ledger;
use memory::Memory;
use outgoing::Outgoing;
use registry::Registry;
use sessions::Sessions;
use turn::Current;

/// How soon a shard looks again after what nobody tells it of: timers, rests, streams and lines without room.
const TICK: Duration = Duration::from_millis(50);

/// What a shard works with.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) shards: ShardMap,
    pub(crate) store: Arc<dyn ShardStore>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) inboxes: Arc<dyn InboxStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) routes: Routes,
    /// Held by a shard that reads what it left to do, so that not all of them read at once.
    pub(crate) loading: Arc<Semaphore>,
    pub(crate) options: ShardOptions,
    pub(crate) incarnation: [u8; 16],
    /// Who is told of changed devices.
    pub(crate) watch: Watch,
}

/// One shard.
pub struct ShardActor {
    shard: Shard,
    epoch: Epoch,
    around: Surroundings,
    line: Line,
    current: Option<Current>,
    memory: Memory,
    ledger: Ledger,
    registry: Registry,
    inbox: Inbox,
    sessions: Sessions,
    outgoing: Outgoing,
    /// Chats whose read marks are due, by time.
    timers: BTreeSet<(u64, ChatId)>,
    due: HashMap<ChatId, u64>,
    turns: u64,
    /// It is going to look again; see [`attention`].
    attending: bool,
    /// A record waits in front for which the disk has no room.
    disk_full: bool,
    /// On the monotonic clock: no turn before, because the store took nothing.
    rest_until: Duration,
    counts: Counts,
    last_error: Option<String>,
}

/// What a shard has seen since it was claimed.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) turns: u64,
    pub(crate) shed: u64,
    pub(crate) panics: u64,
    pub(crate) skipped: u64,
    pub(crate) repeats: u64,
    pub(crate) pulled: u64,
}

impl ShardActor {
    /// The shard that was claimed.
    pub(crate) fn new(claim: &Claim, around: Surroundings) -> Self {
        Self {
            shard: claim.shard,
            epoch: claim.epoch,
            line: Line::default(),
            current: None,
            memory: Memory::new(around.options.cached_rows, around.shards, claim.shard),
            ledger: Ledger::new(&claim.counters, around.options.max_operations),
            registry: Registry::new(around.options.max_active),
            inbox: Inbox::new(&claim.counters),
            sessions: Sessions::new(around.incarnation),
            outgoing: Outgoing::default(),
            timers: BTreeSet::new(),
            due: HashMap::default(),
            turns: 0,
            attending: false,
            disk_full: false,
            rest_until: Duration::ZERO,
            counts: Counts::default(),
            last_error: None,
            around,
        }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.around.options.max_queued_records);
        self.load(ctx);
    }
}

impl ShardActor {
    /// Reads what the shard left to do: records not yet applied, read marks not yet told.
    fn load(&self, ctx: &Context<Self>) {
        let (shard, around, me) = (self.shard, self.around.clone(), ctx.address());
        actix::spawn(async move {
            // Never closed; and if it were, reading all at once would be better than not at all.
            let _turn = around.loading.acquire().await;
            let sources = records::find_sources(shard, around.inboxes, &me);
            let timers = timers::find_timers(shard, around.reader, &me);
            tokio::join!(sources, timers);
        });
    }
}
