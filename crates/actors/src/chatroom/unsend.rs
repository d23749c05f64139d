//! A sender takes a message back.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::MessageUnsent;
use denrei_model::position::Seq;
use denrei_model::record::{Fact, UnsentFact};
use denrei_model::row::{Change, ChatKey, MessageKey};
use denrei_storage::shard::Fetch;

use super::event::{next, tell};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Takes a message back: its body is blanked wherever it is shown.
#[derive(Clone, Debug)]
pub struct Unsend {
    /// The chat.
    pub chat: ChatId,
    /// The message.
    pub seq: Seq,
    /// Who takes it back.
    pub account: AccountId,
}

impl Command for Unsend {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "unsend";

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
        let mut stored = rows.get(&key).ok_or(ChatRefused::NoMessage)?.clone();
        if stored.message.sender != self.account {
            return Err(ChatRefused::NotSender);
        }
        if let Some(seq) = stored.message.unsent {
            return Ok(Decision::nothing(ChatEvent { seq, ..state.event(row) }));
        }
        let row = next(row, facts);
        stored.message.blank(row.last);
        let unsent = MessageUnsent { chat: self.chat, seq: self.seq, version: row.last };
        let emits = tell(state.joined_members(), row.last_at, facts, |members| {
            Fact::Unsent(UnsentFact { unsent: unsent.clone(), by: self.account, members })
        });
        let answer = state.event(&row);
        let changes = vec![Change::put(key, stored), Change::put(ChatKey { chat: self.chat }, row)];
        Ok(Decision { effects: Effects { changes, emits, ..Effects::default() }, answer })
    }
}
