//! Somebody makes a group.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::chat::Title;
use denrei_model::operation::{ChatKind, JoinPolicy, Membership};
use denrei_model::record::ChatFactKind;
use denrei_model::row::{AccountKey, ChatRow};
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom, MAX_MEMBERS};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Makes a group whose id is made of its creator and the idempotency key.
#[derive(Clone, Debug)]
pub struct Create {
    /// The group.
    pub chat: ChatId,
    /// Who makes it, and is in it at once.
    pub creator: AccountId,
    /// Its name.
    pub name: String,
    /// How people come in.
    pub join: JoinPolicy,
    /// Who is asked in.
    pub invite: Vec<AccountId>,
}

impl Command for Create {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "create_chat";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        let keys = self.invite.iter().map(|account| AccountKey { account: *account }.into()).collect();
        Fetch { keys, scans: Vec::new() }
    }

    fn decide(
        &self,
        state: &Chatroom,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ChatEvent>, ChatRefused> {
        if state.row.is_some() {
            return Err(ChatRefused::Exists);
        }
        let mut invited: Vec<AccountId> =
            self.invite.iter().copied().filter(|account| *account != self.creator).collect();
        invited.sort();
        invited.dedup();
        if invited.len() + 1 > MAX_MEMBERS {
            return Err(ChatRefused::TooMany);
        }
        if let Some(stranger) =
            invited.iter().find(|account| rows.get(&AccountKey { account: **account }).is_none())
        {
            return Err(ChatRefused::NoAccount(*stranger));
        }
        let mut members = vec![(self.creator, Membership::Joined)];
        members.extend(invited.into_iter().map(|account| (account, Membership::Invited)));
        let row = ChatRow { kind: ChatKind::Group, ..ChatRow::default() };
        let title = Some(Title { name: self.name.clone(), join: self.join });
        let made = GroupChange { kind: ChatFactKind::Created, by: self.creator, members, title };
        Ok(change(state, &row, made, facts))
    }
}
