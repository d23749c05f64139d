//! Somebody comes into a group that is open.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{JoinPolicy, Membership};
use denrei_model::record::ChatFactKind;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom, MAX_MEMBERS};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Joins an open group. An open invitation is taken up by it.
#[derive(Clone, Debug)]
pub struct Join {
    /// The group.
    pub chat: ChatId,
    /// Who comes.
    pub account: AccountId,
}

impl Command for Join {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "join";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Chatroom, _: &Rows, facts: &Facts) -> Result<Decision<ChatEvent>, ChatRefused> {
        let row = state.group()?;
        match state.members.get(&self.account).map(|member| member.membership) {
            Some(Membership::Joined) => return Ok(Decision::nothing(state.event(row))),
            Some(Membership::Invited) => {}
            _ if row.join != JoinPolicy::Open => return Err(ChatRefused::NotOpen),
            _ if state.members.len() >= MAX_MEMBERS => return Err(ChatRefused::TooMany),
            _ => {}
        }
        let members = vec![(self.account, Membership::Joined)];
        let joined = GroupChange { kind: ChatFactKind::Joined, by: self.account, members, title: None };
        Ok(change(state, row, joined, facts))
    }
}
