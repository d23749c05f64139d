//! What a shard looks after though nobody tells it: a timer that comes due, an entity or a line that rests, a stream or a line
//! that had no room. While there is any of it the shard looks again after each [`TICK`]; a shard without costs nothing.

use actix::{AsyncContext as _, Context, Handler, Message};

use super::item::Item;
use super::{ShardActor, TICK};

impl ShardActor {
    /// Looks again soon, if anything waits that nobody will tell of. To be called after whatever may have left such a thing.
    pub(super) fn attend(&mut self, ctx: &Context<Self>) {
        if self.attending || !self.is_restless() {
            return;
        }
        self.attending = true;
        let me = ctx.address();
        actix::spawn(async move {
            actix::clock::sleep(TICK).await;
            me.do_send(Look);
        });
    }

    fn is_restless(&self) -> bool {
        // Between turns, the first in line has its rows and was not given its turn: it rests.
        let rests = self.current.is_none() && self.line.front().is_some_and(Item::is_read);
        rests || !self.timers.is_empty() || self.sessions.has_untold() || self.inbox.lacks()
    }
}

/// It is time to look again.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

impl Handler<Look> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Context<Self>) {
        self.attending = false;
        self.fire_timers(ctx);
        self.sessions.retry();
        self.pull(ctx);
        self.drive(ctx);
    }
}

/// Records were not handed over. Told once until they are asked for.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Missed;

impl Handler<Missed> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: Missed, ctx: &mut Context<Self>) {
        for (from, number) in self.around.routes.take_missed(self.shard) {
            self.inbox.hear(from, number);
        }
        self.pull(ctx);
        self.drive(ctx);
    }
}
