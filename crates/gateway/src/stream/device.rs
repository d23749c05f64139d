//! The device actor: one per open stream. It registers the stream with the account's shard, reads the log when the stream is
//! behind, and ends it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message,
    WrapFuture as _,
};
use bytes::Bytes;
use denrei_actors::session::{Signal, StreamId};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::Operation;
use denrei_model::row::HeadRow;
use denrei_model::wire::frame::{Frame, Operations, Reconnect, SignOn};
use denrei_model::wire::{FullSyncReason, Position};
use denrei_storage::shard::{ReadError, Snapshot};

use super::hub::Hub;
use super::live::append_aside;
use super::log::{self, Bounds, Page};
use super::outbox::Outbox;
use super::position::{Claim, full_sync, head, head_position, judge};
use crate::state::Gateway;

/// Read at once from the log, and rendered while the device takes it.
const PAGE: Bounds = Bounds { count: 100, bytes: 64 * 1024 };

/// Where a stream stands; shared by its actor, which reads the log, and the hub, which appends live frames.
pub(super) struct StreamState {
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
    /// What the device has been given. Absent until the stream has signed on.
    pub(super) cursor: Option<Position>,
    /// The log is being read; live frames wait there.
    pub(super) reading: bool,
    /// Something came that could not be appended.
    pub(super) behind: bool,
    /// When it was opened, on the monotonic clock, milliseconds.
    pub(super) opened: u64,
    /// When something was last written, on the monotonic clock, milliseconds.
    pub(super) written: u64,
    pub(super) outbox: Rc<RefCell<Outbox>>,
}

/// One open stream.
pub(super) struct DeviceActor {
    pub(super) gateway: Gateway,
    pub(super) hub: Hub,
    pub(super) stream: StreamId,
    pub(super) state: Rc<RefCell<StreamState>>,
    pub(super) claim: Claim,
}

impl Actor for DeviceActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        let account = self.state.borrow().account;
        self.state.borrow().outbox.borrow_mut().end();
        self.hub.remove(self.stream);
        self.gateway.runtime.end(account, self.stream);
    }
}

impl DeviceActor {
    /// Reads the log until the stream has all of it, one reader at a time.
    fn read(&mut self, ctx: &mut Context<Self>) {
        {
            let mut state = self.state.borrow_mut();
            state.behind = true;
            if state.reading {
                return;
            }
            state.reading = true;
        }
        let reading = follow(self.gateway.clone(), Rc::clone(&self.state), std::mem::take(&mut self.claim));
        let ended = reading.into_actor(self).map(|outcome, actor, ctx| match outcome {
            Ok(Followed::CaughtUp) => {}
            Ok(Followed::Ended) => actor.end(ctx),
            Err(error) => {
                // The device comes back and finds its place; nothing is lost by ending the stream.
                tracing::warn!(%error, "a stream ends: its log cannot be read");
                actor.finish(&Frame::Reconnect(Reconnect { after_ms: 1_000 }), ctx);
            }
        });
        ctx.spawn(ended);
    }

    /// Says a last word and ends.
    fn finish(&self, frame: &Frame, ctx: &mut Context<Self>) {
        self.state.borrow().outbox.borrow_mut().push(frame_line(frame));
        self.end(ctx);
    }

    /// What waits is still written; then the body ends.
    fn end(&self, ctx: &mut Context<Self>) {
        self.state.borrow().outbox.borrow_mut().end();
        ctx.stop();
    }
}

/// The shard knows the stream: what becomes durable from now on is told. The log before that can be read.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Begin;

impl Handler<Begin> for DeviceActor {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        self.read(ctx);
    }
}

/// The client is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Gone;

impl Handler<Gone> for DeviceActor {
    type Result = ();

    fn handle(&mut self, _: Gone, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// What the shard or the node has to say to the stream.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Word {
    Signal(Signal),
    /// The node is going.
    Leave {
        after_ms: u64,
    },
}

impl Handler<Word> for DeviceActor {
    type Result = ();

    fn handle(&mut self, word: Word, ctx: &mut Self::Context) {
        match word {
            Word::Signal(Signal::Behind) => self.read(ctx),
            Word::Signal(Signal::Notify(frame)) => append_aside(&self.state.borrow(), frame),
            Word::Signal(Signal::Replaced) => self.finish(&Frame::Replaced, ctx),
            Word::Signal(Signal::Revoked) => self.finish(&Frame::Revoked, ctx),
            Word::Leave { after_ms } => self.finish(&Frame::Reconnect(Reconnect { after_ms }), ctx),
        }
    }
}

enum Followed {
    /// The stream has all that is durable; the hub appends what comes.
    CaughtUp,
    /// The stream has had its last frame.
    Ended,
}

/// Signs the stream on if it is new, then writes page after page, waiting for the device to take each.
async fn follow(
    gateway: Gateway,
    state: Rc<RefCell<StreamState>>,
    claim: Claim,
) -> Result<Followed, ReadError> {
    let account = state.borrow().account;
    loop {
        state.borrow_mut().behind = false;
        let moment = gateway.reader.snapshot().await?;
        let Some(head) = head(&*moment, account).await? else {
            return Err(ReadError::Damaged(format!("{account} has devices and no log")));
        };
        let known = state.borrow().cursor;
        let cursor = match known {
            Some(cursor) => cursor,
            None => {
                write(&gateway, &state, &Frame::SignOn(sign_on(&gateway, &state, &head)));
                match judge(&gateway, &*moment, account, &head, &claim).await? {
                    Ok(position) => position,
                    Err(reason) => return Ok(to_snapshots(&gateway, &state, &head, reason)),
                }
            }
        };
        state.borrow_mut().cursor = Some(cursor);
        if cursor.log_id != gateway.shown(head.log_id) {
            return Ok(to_snapshots(&gateway, &state, &head, FullSyncReason::Continuity));
        }
        if cursor.revision < head.revision && cursor.revision.next() < head.first {
            return Ok(to_snapshots(&gateway, &state, &head, FullSyncReason::Gap));
        }
        match step(&gateway, &state, &*moment, &head, cursor).await? {
            Step::More => {}
            Step::Hole => {
                let head = log::renew(&gateway, account, &head).await?;
                return Ok(to_snapshots(&gateway, &state, &head, FullSyncReason::Hole));
            }
            Step::AtHead => {
                let mut state = state.borrow_mut();
                if !state.behind {
                    state.reading = false;
                    return Ok(Followed::CaughtUp);
                }
            }
        }
        drop(moment);
        let outbox = Rc::clone(&state.borrow().outbox);
        poll_fn(|cx| outbox.borrow_mut().poll_drained(cx)).await;
        if outbox.borrow().ended() {
            return Ok(Followed::Ended);
        }
    }
}

enum Step {
    More,
    AtHead,
    Hole,
}

/// Writes the next page after the cursor.
async fn step(
    gateway: &Gateway,
    state: &Rc<RefCell<StreamState>>,
    moment: &dyn Snapshot,
    head: &HeadRow,
    cursor: Position,
) -> Result<Step, ReadError> {
    let account = state.borrow().account;
    let operations = match log::page(moment, account, head, cursor.revision, PAGE).await? {
        Page::Hole => return Ok(Step::Hole),
        Page::Operations(operations) => operations,
    };
    let Some(Operation { revision, tag, .. }) = operations.last() else { return Ok(Step::AtHead) };
    let (revision, tag) = (*revision, *tag);
    let frame = Operations { log_id: cursor.log_id, operations, head: None };
    write(gateway, state, &Frame::Operations(frame));
    state.borrow_mut().cursor = Some(Position { revision, tag, ..cursor });
    Ok(Step::More)
}

fn sign_on(gateway: &Gateway, state: &Rc<RefCell<StreamState>>, head: &HeadRow) -> SignOn {
    let state = state.borrow();
    SignOn {
        account: state.account,
        device: state.device,
        head: head_position(gateway, head),
        date: gateway.clock.now().day().to_yyyymmdd(),
        heartbeat_ms: gateway.options.heartbeat_ms.get(),
    }
}

fn to_snapshots(
    gateway: &Gateway,
    state: &Rc<RefCell<StreamState>>,
    head: &HeadRow,
    reason: FullSyncReason,
) -> Followed {
    let account = state.borrow().account;
    write(gateway, state, &Frame::FullSync(full_sync(gateway, account, head, reason)));
    state.borrow().outbox.borrow_mut().end();
    Followed::Ended
}

fn write(gateway: &Gateway, state: &Rc<RefCell<StreamState>>, frame: &Frame) {
    let mut state = state.borrow_mut();
    state.written = now_ms(gateway);
    state.outbox.borrow_mut().push(frame_line(frame));
}

pub(super) fn now_ms(gateway: &Gateway) -> u64 {
    u64::try_from(gateway.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// A frame as one line of JSON.
pub(super) fn frame_line(frame: &Frame) -> Bytes {
    let mut line = Vec::with_capacity(256);
    // Frames have string keys and no maps of other kinds: writing them to memory cannot fail.
    if let Err(error) = serde_json::to_writer(&mut line, frame) {
        tracing::error!(%error, "a frame could not be written as JSON");
    }
    line.push(b'\n');
    Bytes::from(line)
}
