//! A member removes another, or withdraws an invitation.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::Membership;
use denrei_model::record::ChatFactKind;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Removes somebody from a group.
#[derive(Clone, Debug)]
pub struct Remove {
    /// The group.
    pub chat: ChatId,
    /// Who removes.
    pub by: AccountId,
    /// Whom.
    pub account: AccountId,
}

impl Command for Remove {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "remove_member";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Chatroom, _: &Rows, facts: &Facts) -> Result<Decision<ChatEvent>, ChatRefused> {
        state.joined(self.by)?;
        let row = state.group()?;
        if self.by == self.account {
            return Err(ChatRefused::Oneself);
        }
        if !state.members.contains_key(&self.account) {
            return Ok(Decision::nothing(state.event(row)));
        }
        let members = vec![(self.account, Membership::Gone)];
        let removed = GroupChange { kind: ChatFactKind::Removed, by: self.by, members, title: None };
        Ok(change(state, row, removed, facts))
    }
}
