//! Somebody leaves a group.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::Membership;
use denrei_model::record::ChatFactKind;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Leaves a group.
#[derive(Clone, Debug)]
pub struct Leave {
    /// The group.
    pub chat: ChatId,
    /// Who leaves.
    pub account: AccountId,
}

impl Command for Leave {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "leave";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Chatroom, _: &Rows, facts: &Facts) -> Result<Decision<ChatEvent>, ChatRefused> {
        state.joined(self.account)?;
        let row = state.group()?;
        let members = vec![(self.account, Membership::Gone)];
        let left = GroupChange { kind: ChatFactKind::Left, by: self.account, members, title: None };
        Ok(change(state, row, left, facts))
    }
}
