//! How many messages wait in a shard's mailbox. It is counted from outside, so that it can be told of a shard that does not
//! answer; what the shard tells itself does not pass here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::prelude::SendError;
use actix::{Addr, Context, Handler, Message};

use super::messages::{Ask, Handed, Register};
use super::{ShardActor, SweepStep};

/// The count of one mailbox.
#[derive(Clone, Default)]
pub(crate) struct Depth(Arc<AtomicUsize>);

/// One message that waits; it is none any more when this is dropped.
struct Waits(Arc<AtomicUsize>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A message and its place in the count.
pub(crate) struct Counted<M> {
    message: M,
    waits: Waits,
}

impl Depth {
    /// Messages that were sent and not taken up yet.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Sends a message if there is room, and counts it until the shard takes it up or drops it.
    pub(crate) fn try_send<M: FromOutside>(
        &self,
        to: &Addr<ShardActor>,
        message: M,
    ) -> Result<(), SendError<()>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let counted = Counted { message, waits: Waits(Arc::clone(&self.0)) };
        to.try_send(counted).map_err(|error| match error {
            SendError::Full(_) => SendError::Full(()),
            SendError::Closed(_) => SendError::Closed(()),
        })
    }
}

/// What reaches a shard from others, and so is counted.
pub(crate) trait FromOutside: Send + 'static {
    /// The shard takes it up.
    fn take_up(self, shard: &mut ShardActor, ctx: &mut Context<ShardActor>);
}

impl FromOutside for Ask {
    fn take_up(self, shard: &mut ShardActor, ctx: &mut Context<ShardActor>) {
        shard.handle(self, ctx);
    }
}

impl FromOutside for Register {
    fn take_up(self, shard: &mut ShardActor, ctx: &mut Context<ShardActor>) {
        shard.handle(self, ctx);
    }
}

impl FromOutside for Handed {
    fn take_up(self, shard: &mut ShardActor, ctx: &mut Context<ShardActor>) {
        shard.handle(self, ctx);
    }
}

impl FromOutside for SweepStep {
    fn take_up(self, shard: &mut ShardActor, ctx: &mut Context<ShardActor>) {
        shard.handle(self, ctx);
    }
}

impl<M> Message for Counted<M> {
    type Result = ();
}

impl<M: FromOutside> Handler<Counted<M>> for ShardActor {
    type Result = ();

    fn handle(&mut self, counted: Counted<M>, ctx: &mut Context<Self>) {
        let Counted { message, waits } = counted;
        drop(waits);
        message.take_up(self, ctx);
    }
}
