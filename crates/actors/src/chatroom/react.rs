//! Somebody reacts to a message, or takes the reaction back.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::message::Reaction;
use denrei_model::operation::MessageReacted;
use denrei_model::position::Seq;
use denrei_model::record::{Fact, ReactedFact};
use denrei_model::row::{Change, ChatKey, MessageKey};
use denrei_storage::shard::Fetch;

use super::event::{next, tell};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Sets, changes or removes one's reaction to a message.
#[derive(Clone, Debug)]
pub struct React {
    /// The chat.
    pub chat: ChatId,
    /// The message.
    pub seq: Seq,
    /// Who reacts.
    pub account: AccountId,
    /// The emoji; absent to take it back.
    pub emoji: Option<String>,
}

impl Command for React {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "react";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch { keys: vec![MessageKey { chat: self.chat, seq: self.seq }.into()], scans: Vec::new() }
    }

    fn decide(
        &self,
        state: &Chatroom,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ChatEvent>, ChatRefused> {
        let row = state.joined(self.account)?;
        let key = MessageKey { chat: self.chat, seq: self.seq };
        let mut stored = state.message(rows, self.account, self.seq).ok_or(ChatRefused::NoMessage)?.clone();
        if stored.message.unsent.is_some() {
            return Err(ChatRefused::Unsent);
        }
        let reactions = &mut stored.message.reactions;
        let known = reactions.iter().find(|reaction| reaction.account == self.account);
        if known.map(|reaction| &reaction.emoji) == self.emoji.as_ref() {
            return Ok(Decision::nothing(state.event(row)));
        }
        let row = next(row, facts);
        reactions.retain(|reaction| reaction.account != self.account);
        reactions.extend(self.emoji.clone().map(|emoji| Reaction {
            account: self.account,
            emoji,
            version: row.last,
        }));
        reactions.sort_by_key(|reaction| reaction.account);
        let reacted = MessageReacted {
            chat: self.chat,
            seq: self.seq,
            account: self.account,
            emoji: self.emoji.clone(),
            version: row.last,
        };
        let emits = tell(state.joined_members(), row.last_at, facts, |members| {
            Fact::Reacted(ReactedFact { reacted: reacted.clone(), members })
        });
        let answer = state.event(&row);
        let changes = vec![Change::put(key, stored), Change::put(ChatKey { chat: self.chat }, row)];
        Ok(Decision { effects: Effects { changes, emits, ..Effects::default() }, answer })
    }
}
