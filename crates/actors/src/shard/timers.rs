//! Timers: when the read marks of chats are due. They live in rows, so that a shard that is loaded finds them.

use std::sync::Arc;

use actix::{Addr, Context};
use denrei_model::id::ChatId;
use denrei_model::row::{DirtyReadsKey, KeyRange};
use denrei_model::shard::Shard;
use denrei_storage::shard::{Fetch, ReadError, Reader, Scan};

use super::ShardActor;
use super::item::Cause;
use super::messages::Timers;
use crate::chatroom;

/// Reads the read marks that were waiting to be told when the shard was last owned.
pub(super) async fn find_timers(shard: Shard, reader: Arc<dyn Reader>, me: &Addr<ShardActor>) {
    let key = |shard| DirtyReadsKey { shard, chat: ChatId::default() };
    let range = KeyRange::new(key(shard), key(Shard::new(shard.get() + 1)));
    let fetch = Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, usize::MAX)] };
    while me.connected() {
        match reader.fetch(fetch.clone()).await {
            Ok(fetched) => {
                let rows = fetched.scan::<DirtyReadsKey>(0).map(|(_, row)| row.clone()).collect();
                return me.do_send(Timers(rows));
            }
            Err(error @ ReadError::Damaged(_)) => {
                return tracing::error!(%shard, %error, "timers are damaged: read marks that waited are not told");
            }
            Err(error) => tracing::warn!(%shard, %error, "timers cannot be read; trying again"),
        }
        actix::clock::sleep(super::TICK).await;
    }
}

impl ShardActor {
    /// Remembers when the read marks of a chat are due; the earliest time counts.
    pub(super) fn arm(&mut self, chat: ChatId, due: u64) {
        if self.due.get(&chat).is_none_or(|known| due < *known) {
            self.disarm(chat);
            self.due.insert(chat, due);
            self.timers.insert((due, chat));
        }
    }

    pub(super) fn disarm(&mut self, chat: ChatId) {
        if let Some(due) = self.due.remove(&chat) {
            self.timers.remove(&(due, chat));
        }
    }

    pub(super) fn fire_timers(&mut self, ctx: &Context<Self>) {
        if self.has_no_room() {
            // They stay due; each would leave an empty place in the line.
            return;
        }
        let now = self.around.clock.now().as_millis();
        while let Some((due, chat)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, chat));
            self.due.remove(&chat);
            let part = chatroom::tell_reads::part(chat, self.shard);
            self.arrive(Cause::Timer(chat, part), ctx);
        }
    }

    /// Read marks that were due and could not be told are due again soon.
    pub(super) fn delay(&mut self, timer: Option<ChatId>) {
        if let Some(chat) = timer {
            self.arm(chat, self.around.clock.now().plus(super::TICK).as_millis());
        }
    }
}
