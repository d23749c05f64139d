//! Somebody answers an invitation.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::Membership;
use denrei_model::record::ChatFactKind;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Accepts or rejects the invitation that one has.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The group.
    pub chat: ChatId,
    /// Who was invited.
    pub account: AccountId,
    /// In, or not.
    pub accept: bool,
}

impl Command for Answer {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "answer_invitation";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Chatroom, _: &Rows, facts: &Facts) -> Result<Decision<ChatEvent>, ChatRefused> {
        let row = state.group()?;
        let standing = state.members.get(&self.account).map(|member| member.membership);
        let (kind, membership) = match (standing, self.accept) {
            (Some(Membership::Invited), true) => (ChatFactKind::Accepted, Membership::Joined),
            (Some(Membership::Invited), false) => (ChatFactKind::Rejected, Membership::Gone),
            (Some(Membership::Joined), true) => return Ok(Decision::nothing(state.event(row))),
            _ => return Err(ChatRefused::NotInvited),
        };
        let answered =
            GroupChange { kind, by: self.account, members: vec![(self.account, membership)], title: None };
        Ok(change(state, row, answered, facts))
    }
}
