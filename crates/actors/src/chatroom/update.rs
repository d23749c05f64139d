//! A member renames a group, or changes how people come in.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::JoinPolicy;
use denrei_model::operation::chat::Title;
use denrei_model::record::ChatFactKind;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Changes name and way of joining; what is absent stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The group.
    pub chat: ChatId,
    /// Who changes it.
    pub by: AccountId,
    /// New name.
    pub name: Option<String>,
    /// New way of joining.
    pub join: Option<JoinPolicy>,
}

impl Command for Update {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "update_chat";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Chatroom, _: &Rows, facts: &Facts) -> Result<Decision<ChatEvent>, ChatRefused> {
        state.joined(self.by)?;
        let row = state.group()?;
        let name = self.name.clone().unwrap_or_else(|| row.name.clone());
        let join = self.join.unwrap_or(row.join);
        if name == row.name && join == row.join {
            return Ok(Decision::nothing(state.event(row)));
        }
        let title = Some(Title { name, join });
        let updated = GroupChange { kind: ChatFactKind::Updated, by: self.by, members: Vec::new(), title };
        Ok(change(state, row, updated, facts))
    }
}
