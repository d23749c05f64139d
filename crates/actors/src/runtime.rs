//! The runtime: claims the shards, starts their actors on arbiters, and is the way to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actix::prelude::SendError;
use actix::{Actor, Addr, Arbiter};
use denrei_model::clock::Clock;
use denrei_model::id::AccountId;
use denrei_model::position::{Place, RecordNumber};
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::{ClaimError, CommitListener, InboxStore, Lost, Reader, ShardStore};
use tokio::sync::{Semaphore, oneshot};

use crate::command::{Command, CommandError, Origin, Outcome, Request};
use crate::entity::{Entity as _, EntityRef, Part};
use crate::session::{DeviceWatch, Session, SessionRefused, StreamId, Watch};
use crate::shard::{self, Ask, Depth, End, FromOutside, Inspect, Measure, Register, ShardActor};
use crate::shard::{ShardFigures, ShardOptions, ShardReport, Sweep, SweepError, SweepStep, Swept};

/// How the runtime is laid out.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Threads for shards; a shard never spans two. Default: half the cores, at least one. Zero keeps all shards on the
    /// calling arbiter, as tests and simulations want it.
    pub arbiters: usize,
    /// The bounds of each shard.
    pub shard: ShardOptions,
}

/// What the runtime stands on.
#[derive(Clone)]
pub struct Foundation {
    /// Where entities live.
    pub shards: ShardMap,
    /// Where shards keep what they decide.
    pub store: Arc<dyn ShardStore>,
    /// Where durable rows are read.
    pub reader: Arc<dyn Reader>,
    /// Where records wait that were not handed over.
    pub inboxes: Arc<dyn InboxStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The store's incarnation: part of the log ids that devices see.
    pub incarnation: [u8; 16],
}

/// The way from shard to shard within the node.
#[derive(Clone)]
pub(crate) struct Routes(Arc<Vec<Door>>);

#[derive(Default)]
struct Door {
    /// How many messages wait behind it.
    depth: Depth,
    /// Absent until every shard is claimed.
    address: OnceLock<Addr<ShardActor>>,
    /// The last record from each source that was not handed over. The shard pulls until it has them; a record may become
    /// durable, and so be found in the inbox, long after its hand-over was dropped.
    missed: Mutex<HashMap<Shard, RecordNumber>>,
}

impl Routes {
    fn new(shards: ShardMap) -> Self {
        Self(Arc::new(shards.all().map(|_| Door::default()).collect()))
    }

    fn door(&self, shard: Shard) -> Option<&Door> {
        self.0.get(shard.index())
    }

    fn address(&self, shard: Shard) -> Option<&Addr<ShardActor>> {
        self.door(shard)?.address.get()
    }

    /// Hands a record over. Without room it is dropped: the destination pulls it from the durable inbox.
    pub(crate) fn hand_over(&self, to: Shard, record: shard::Arriving) {
        let Some(door) = self.door(to) else { return };
        let (from, number) = (record.pending.from, record.pending.number);
        let handed = shard::Handed { records: vec![record] };
        if door.try_send(handed).is_err() {
            door.miss(from, number);
        }
    }

    /// The last record of each source that was not handed over to this shard since it asked last.
    pub(crate) fn take_missed(&self, shard: Shard) -> HashMap<Shard, RecordNumber> {
        let Some(door) = self.door(shard) else { return HashMap::new() };
        std::mem::take(&mut *door.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Door {
    /// Sends a message to the shard if there is room; one that is not here is closed.
    fn try_send(&self, message: impl FromOutside) -> Result<(), SendError<()>> {
        let address = self.address.get().ok_or(SendError::Closed(()))?;
        self.depth.try_send(address, message)
    }

    /// A record was not handed over.
    fn miss(&self, from: Shard, number: RecordNumber) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = missed.is_empty();
        let last = missed.entry(from).or_default();
        *last = number.max(*last);
        if let Some(address) = self.address.get().filter(|_| first) {
            // Bounded by design: at most one until the shard has taken what it missed.
            address.do_send(shard::Missed);
        }
    }

    /// The shard is here, and looks for what it has missed before.
    fn open(&self, address: Addr<ShardActor>) {
        // Under the lock: whoever misses something meanwhile has either left it here, or sees the address.
        let _missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        address.do_send(shard::Missed);
        let _ = self.address.set(address);
    }
}

/// Passes what the store says of a shard's tickets to its actor, which is started only after the claim.
#[derive(Default)]
struct Listener {
    address: OnceLock<Addr<ShardActor>>,
    /// Lost before the actor was there.
    lost: Mutex<Option<Lost>>,
}

impl Listener {
    fn started(&self, address: &Addr<ShardActor>) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.address.set(address.clone());
        if let Some(why) = lost.take() {
            address.do_send(shard::Lose(why));
        }
    }
}

impl CommitListener for Listener {
    fn committed(&self, up_to: Place) {
        if let Some(address) = self.address.get() {
            // Bounded by design: one message per group of commits, and commits wait for the shard's turns.
            address.do_send(shard::Committed(up_to));
        }
    }

    fn lost(&self, why: Lost) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        match self.address.get() {
            Some(address) => address.do_send(shard::Lose(why)),
            None => *lost = Some(why),
        }
    }
}

/// Shards that read what they left to do at once: enough for the readers, few enough for their queue.
const LOADING: usize = 16;

/// The running shards of a node.
pub struct Runtime {
    handle: Handle,
    arbiters: Vec<Arbiter>,
}

impl Runtime {
    /// Claims every shard and starts its actor. Must be called within an actix system.
    ///
    /// # Errors
    /// The first claim that failed.
    pub async fn start(options: RuntimeOptions, foundation: Foundation) -> Result<Self, ClaimError> {
        let mut claims = Vec::new();
        for shard in foundation.shards.all() {
            let listener = Arc::new(Listener::default());
            let heard = Arc::clone(&listener) as Arc<dyn CommitListener>;
            claims.push((foundation.store.claim(shard, heard).await?, listener));
        }
        let arbiters: Vec<Arbiter> = (0..options.arbiters).map(|_| Arbiter::new()).collect();
        let routes = Routes::new(foundation.shards);
        let loading = Arc::new(Semaphore::new(LOADING));
        let watch = Watch::default();
        for (claim, listener) in claims {
            let shard = claim.shard;
            let around = shard::Surroundings {
                shards: foundation.shards,
                store: Arc::clone(&foundation.store),
                reader: Arc::clone(&foundation.reader),
                inboxes: Arc::clone(&foundation.inboxes),
                clock: Arc::clone(&foundation.clock),
                routes: routes.clone(),
                loading: Arc::clone(&loading),
                options: options.shard.clone(),
                incarnation: foundation.incarnation,
                watch: watch.clone(),
            };
            let address = match arbiters.get(shard.index() % arbiters.len().max(1)) {
                Some(arbiter) => {
                    ShardActor::start_in_arbiter(&arbiter.handle(), move |_| ShardActor::new(&claim, around))
                }
                None => ShardActor::new(&claim, around).start(),
            };
            listener.started(&address);
            if let Some(door) = routes.door(shard) {
                door.open(address);
            }
        }
        let handle = Handle { shards: foundation.shards, routes, clock: foundation.clock, watch };
        Ok(Self { handle, arbiters })
    }

    /// The way to the shards.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops the shards and their arbiters. What was queued in the store still becomes durable there.
    pub fn stop(self) {
        for address in self.handle.routes.0.iter().filter_map(|door| door.address.get()) {
            address.do_send(shard::Stop);
        }
        for arbiter in self.arbiters {
            arbiter.stop();
        }
    }
}

/// How long callers are told to wait when a mailbox is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The way to the entities of a node. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shards: ShardMap,
    routes: Routes,
    clock: Arc<dyn Clock>,
    watch: Watch,
}

impl Handle {
    /// Asks an entity. The answer comes when what was decided is durable.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn ask<C: Command>(&self, command: C, origin: Origin) -> Outcome<C> {
        let entity = command.entity();
        let shard = self.shards.of(&entity.home());
        let door = self.routes.door(shard).ok_or(CommandError::Unavailable("there is no such shard"))?;
        let (to, answer) = oneshot::channel();
        let request = Request::new(command, origin, shard, to);
        let needs = request.needs();
        let part = Part { entity, needs, work: C::Entity::part(Box::new(request)) };
        door.try_send(Ask(part)).map_err(|error| match error {
            SendError::Full(()) => CommandError::Overloaded(RETRY_AFTER),
            SendError::Closed(()) => CommandError::Unavailable("the shard is not here"),
        })?;
        answer.await.unwrap_or(Err(CommandError::Unavailable("the entity is being loaded again")))
    }

    /// Has a stream told of its account from now on: of every operation that becomes durable after the answer.
    ///
    /// # Errors
    /// See [`SessionRefused`].
    pub async fn register(&self, session: Session) -> Result<(), SessionRefused> {
        let shard = self.shards.of_account(session.account);
        let door = self.routes.door(shard).ok_or(SessionRefused::Unavailable)?;
        let (to, answer) = oneshot::channel();
        door.try_send(Register { session, to }).map_err(|error| match error {
            SendError::Full(()) => SessionRefused::Overloaded,
            SendError::Closed(()) => SessionRefused::Unavailable,
        })?;
        answer.await.unwrap_or(Err(SessionRefused::Unavailable))
    }

    /// Has this told of every change to the row of a device from now on. One for a runtime: the first stays.
    pub fn watch_devices(&self, watch: Arc<dyn DeviceWatch>) {
        self.watch.set(watch);
    }

    /// A stream has ended.
    pub fn end(&self, account: AccountId, stream: StreamId) {
        if let Some(address) = self.routes.address(self.shards.of_account(account)) {
            // Bounded by design: at most one for each stream that was registered.
            address.do_send(End { account, stream });
        }
    }

    /// Has a shard delete, by one bounded step, what it need not keep any more. The answer comes when that is durable.
    ///
    /// # Errors
    /// See [`SweepError`]; a step may be asked for again.
    pub async fn sweep(&self, shard: Shard, sweep: Sweep) -> Result<Swept, SweepError> {
        let door = self.routes.door(shard).ok_or(SweepError::Unavailable("there is no such shard"))?;
        let (to, answer) = oneshot::channel();
        door.try_send(SweepStep::new(sweep, self.clock.now(), to)).map_err(|error| match error {
            SendError::Full(()) => SweepError::Overloaded(RETRY_AFTER),
            SendError::Closed(()) => SweepError::Unavailable("the shard is not here"),
        })?;
        answer.await.unwrap_or(Err(SweepError::Unavailable("the shard has stopped")))
    }

    /// How a shard is, with more of one entity if one is named. Nothing if the shard is not here.
    pub async fn inspect(&self, shard: Shard, entity: Option<EntityRef>) -> Option<ShardReport> {
        self.routes.address(shard)?.send(Inspect { entity }).await.ok()
    }

    /// How a shard is, in figures: for who asks often, or all of them. Nothing if the shard is not here.
    pub async fn measure(&self, shard: Shard) -> Option<ShardFigures> {
        self.routes.address(shard)?.send(Measure).await.ok()
    }

    /// How many commands, sign-ons, records and sweeps a shard's actor has not taken up. It is not asked, so it need not be
    /// able to answer.
    #[must_use]
    pub fn mailbox(&self, shard: Shard) -> usize {
        self.routes.door(shard).map_or(0, |door| door.depth.get())
    }

    /// Where entities live.
    #[must_use]
    pub const fn shards(&self) -> ShardMap {
        self.shards
    }

    /// The clock of the runtime.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
