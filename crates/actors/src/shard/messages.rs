//! The messages that a shard takes.

use actix::{ActorContext as _, Context, Handler, Message};
use denrei_model::id::AccountId;
use denrei_model::position::{Place, RecordNumber};
use denrei_model::row::DirtyReadsRow;
use denrei_model::shard::Shard;
use denrei_storage::shard::{Fetch, Fetched, Lost, PendingRecord, ReadError};
use tokio::sync::oneshot;

use super::ShardActor;
use super::item::{Arriving, Cause};
use super::report::{ShardFigures, ShardReport};
use crate::entity::{Done, EntityRef, Part};
use crate::session::{Session, SessionRefused, StreamId};

/// A command for one of the shard's entities, and the rows that it needs.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ask(pub(crate) Part);

impl Handler<Ask> for ShardActor {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Context<Self>) {
        if self.has_no_room() {
            self.counts.shed += 1;
            ask.0.work.shed(self.around.options.retry_after());
            return;
        }
        self.arrive(Cause::Ask(ask.0), ctx);
    }
}

/// A part of the current turn has been decided; nothing was, if the entity panicked.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct TurnDone {
    pub(crate) turn: u64,
    pub(crate) part: usize,
    pub(crate) done: Option<Done>,
}

impl Handler<TurnDone> for ShardActor {
    type Result = ();

    fn handle(&mut self, answer: TurnDone, ctx: &mut Context<Self>) {
        self.decided(answer, ctx);
    }
}

/// What an item lacked has been read.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Prefetched {
    pub(super) item: u64,
    pub(super) fetch: Fetch,
    pub(super) result: Result<Fetched, ReadError>,
}

impl Handler<Prefetched> for ShardActor {
    type Result = ();

    fn handle(&mut self, read: Prefetched, ctx: &mut Context<Self>) {
        self.prefetched(read, ctx);
    }
}

/// Records of another shard, in the order of their numbers.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Handed {
    pub(crate) records: Vec<Arriving>,
}

impl Handler<Handed> for ShardActor {
    type Result = ();

    fn handle(&mut self, handed: Handed, ctx: &mut Context<Self>) {
        self.take_records(handed.records, ctx);
    }
}

/// Records read from the durable inbox of a source.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Pulled {
    pub(super) from: Shard,
    pub(super) after: RecordNumber,
    pub(super) result: Result<Vec<PendingRecord>, ReadError>,
}

impl Handler<Pulled> for ShardActor {
    type Result = ();

    fn handle(&mut self, pulled: Pulled, ctx: &mut Context<Self>) {
        self.take_pulled(pulled, ctx);
    }
}

/// Shards that have durable records for this one.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Sources(pub(super) Vec<Shard>);

impl Handler<Sources> for ShardActor {
    type Result = ();

    fn handle(&mut self, sources: Sources, ctx: &mut Context<Self>) {
        for from in sources.0 {
            self.inbox.rumour(from);
        }
        self.pull(ctx);
        self.attend(ctx);
    }
}

/// Read marks that wait to be told, as the store has them.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Timers(pub(super) Vec<DirtyReadsRow>);

impl Handler<Timers> for ShardActor {
    type Result = ();

    fn handle(&mut self, timers: Timers, ctx: &mut Context<Self>) {
        for row in timers.0 {
            self.arm(row.chat, row.due);
        }
        self.attend(ctx);
    }
}

/// Every ticket of the shard up to this place is durable.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Committed(pub(crate) Place);

impl Handler<Committed> for ShardActor {
    type Result = ();

    fn handle(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        self.durable(committed.0, ctx);
    }
}

/// The shard is not ours any more, or the store has failed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Lose(pub(crate) Lost);

impl Handler<Lose> for ShardActor {
    type Result = ();

    fn handle(&mut self, lose: Lose, ctx: &mut Context<Self>) {
        tracing::error!(shard = %self.shard, why = ?lose.0, "the shard is dropped");
        // Whoever waits for a reply sees its channel close: what was decided may or may not have become durable.
        ctx.stop();
    }
}

/// The node ends.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// A stream wants to be told of its account from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Register {
    pub(crate) session: Session,
    pub(crate) to: oneshot::Sender<Result<(), SessionRefused>>,
}

impl Handler<Register> for ShardActor {
    type Result = ();

    fn handle(&mut self, register: Register, ctx: &mut Context<Self>) {
        if self.has_no_room() {
            self.counts.shed += 1;
            let _ = register.to.send(Err(SessionRefused::Overloaded));
            return;
        }
        let Register { session, to } = register;
        self.arrive(Cause::Register { session, to }, ctx);
    }
}

/// A stream has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct End {
    pub(crate) account: AccountId,
    pub(crate) stream: StreamId,
}

impl Handler<End> for ShardActor {
    type Result = ();

    fn handle(&mut self, end: End, _: &mut Context<Self>) {
        self.sessions.remove(end.account, end.stream);
    }
}

/// How the shard is.
#[derive(Message)]
#[rtype(result = "ShardReport")]
pub(crate) struct Inspect {
    /// Of which entity to tell more, if of any.
    pub(crate) entity: Option<EntityRef>,
}

impl Handler<Inspect> for ShardActor {
    type Result = actix::MessageResult<Inspect>;

    fn handle(&mut self, inspect: Inspect, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.report(inspect.entity.as_ref()))
    }
}

/// How the shard is, in figures.
#[derive(Message)]
#[rtype(result = "ShardFigures")]
pub(crate) struct Measure;

impl Handler<Measure> for ShardActor {
    type Result = actix::MessageResult<Measure>;

    fn handle(&mut self, _: Measure, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.figures())
    }
}
