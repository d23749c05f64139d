//! The runtime: claims the shards, starts their actors on arbiters, and is the way to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter};
use denrei_model::clock::Clock;
use denrei_model::id::AccountId;
use denrei_model::position::Place;
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::{
    ClaimError, CommitListener, InboxStore, Lost, PendingRecord, Reader, ShardStore,
};
use tokio::sync::oneshot;

use crate::command::{Command, CommandError, Origin, Outcome, Request};
use crate::entity::{Entity as _, Part};
use crate::session::{Session, SessionRefused, StreamId};
use crate::shard::{self, Ask, End, Inspect, Register, ShardActor, ShardOptions, ShardReport};

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
#[derive(Clone, Default)]
pub(crate) struct Routes(Arc<OnceLock<Vec<Door>>>);

struct Door {
    address: Addr<ShardActor>,
    /// A hand-over was dropped: the shard looks into its durable inbox.
    rumour: AtomicBool,
}

impl Routes {
    fn door(&self, shard: Shard) -> Option<&Door> {
        self.0.get().and_then(|doors| doors.get(shard.index()))
    }

    /// Hands a record over. Without room it is dropped: the destination pulls it from the durable inbox.
    pub(crate) fn hand_over(&self, to: Shard, record: PendingRecord) {
        let Some(door) = self.door(to) else { return };
        if door.address.try_send(shard::Handed { records: vec![record] }).is_err() {
            door.rumour.store(true, Ordering::Release);
        }
    }

    pub(crate) fn take_rumour(&self, shard: Shard) -> bool {
        self.door(shard).is_some_and(|door| door.rumour.swap(false, Ordering::AcqRel))
    }
}

/// Passes what the store says of a shard's tickets to its actor, which is started only after the claim.
#[derive(Default)]
struct Listener(OnceLock<Addr<ShardActor>>);

impl CommitListener for Listener {
    fn committed(&self, up_to: Place) {
        if let Some(address) = self.0.get() {
            // Bounded by design: one message per group of commits, and commits wait for the shard's turns.
            address.do_send(shard::Committed(up_to));
        }
    }

    fn lost(&self, why: Lost) {
        if let Some(address) = self.0.get() {
            address.do_send(shard::Lose(why));
        }
    }
}

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
        let arbiters: Vec<Arbiter> = (0..options.arbiters).map(|_| Arbiter::new()).collect();
        let routes = Routes::default();
        let mut doors = Vec::new();
        for shard in foundation.shards.all() {
            let listener = Arc::new(Listener::default());
            let claim =
                foundation.store.claim(shard, Arc::clone(&listener) as Arc<dyn CommitListener>).await?;
            let around = shard::Surroundings {
                shards: foundation.shards,
                store: Arc::clone(&foundation.store),
                reader: Arc::clone(&foundation.reader),
                inboxes: Arc::clone(&foundation.inboxes),
                clock: Arc::clone(&foundation.clock),
                routes: routes.clone(),
                options: options.shard.clone(),
                incarnation: foundation.incarnation,
            };
            let address = match arbiters.get(shard.index() % arbiters.len().max(1)) {
                Some(arbiter) => {
                    ShardActor::start_in_arbiter(&arbiter.handle(), move |_| ShardActor::new(&claim, around))
                }
                None => ShardActor::new(&claim, around).start(),
            };
            let _ = listener.0.set(address.clone());
            doors.push(Door { address, rumour: AtomicBool::new(false) });
        }
        let _ = routes.0.set(doors);
        let handle = Handle { shards: foundation.shards, routes, clock: foundation.clock };
        Ok(Self { handle, arbiters })
    }

    /// The way to the shards.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops the arbiters. What was queued in the store still becomes durable there.
    pub fn stop(self) {
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
}

impl Handle {
    /// Asks an entity. The answer comes when what was decided is durable.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn ask<C: Command>(&self, command: C, origin: Origin) -> Outcome<C> {
        let entity = command.entity();
        let shard = self.shards.of(&entity.home());
        let door = self.routes.door(shard).ok_or(CommandError::Unavailable("the shard is not here"))?;
        let (to, answer) = oneshot::channel();
        let request = Request { command, origin, to };
        let needs = request.needs(shard);
        let part = Part { entity, needs, work: C::Entity::part(Box::new(request)) };
        match door.address.try_send(Ask(part)) {
            Ok(()) => {}
            Err(actix::prelude::SendError::Full(_)) => return Err(CommandError::Overloaded(RETRY_AFTER)),
            Err(actix::prelude::SendError::Closed(_)) => {
                return Err(CommandError::Unavailable("the shard has stopped"));
            }
        }
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
        door.address.try_send(Register { session, to }).map_err(|_| SessionRefused::Overloaded)?;
        answer.await.unwrap_or(Err(SessionRefused::Unavailable))
    }

    /// A stream has ended.
    pub fn end(&self, account: AccountId, stream: StreamId) {
        if let Some(door) = self.routes.door(self.shards.of_account(account)) {
            // Bounded by design: at most one for each stream that was registered.
            door.address.do_send(End { account, stream });
        }
    }

    /// How a shard is; `account` names one whose sessions are listed.
    pub async fn inspect(&self, shard: Shard, account: Option<AccountId>) -> Option<ShardReport> {
        self.routes.door(shard)?.address.send(Inspect { account }).await.ok()
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
