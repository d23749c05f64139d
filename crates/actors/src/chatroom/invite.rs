//! A member asks people into a group.

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::Membership;
use denrei_model::record::ChatFactKind;
use denrei_model::row::AccountKey;
use denrei_storage::shard::Fetch;

use super::event::{GroupChange, change};
use super::{ChatEvent, ChatRefused, Chatroom, MAX_MEMBERS};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Asks people in. Those who are in or invited already are passed over.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The group.
    pub chat: ChatId,
    /// Who asks.
    pub by: AccountId,
    /// Whom.
    pub accounts: Vec<AccountId>,
}

impl Command for Invite {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ChatRefused;
    const NAME: &'static str = "invite";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.chat)
    }

    fn needs(&self) -> Fetch {
        let keys = self.accounts.iter().map(|account| AccountKey { account: *account }.into()).collect();
        Fetch { keys, scans: Vec::new() }
    }

    fn decide(
        &self,
        state: &Chatroom,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ChatEvent>, ChatRefused> {
        state.joined(self.by)?;
        let row = state.group()?;
        let mut new: Vec<AccountId> =
            self.accounts.iter().copied().filter(|account| !state.members.contains_key(account)).collect();
        new.sort();
        new.dedup();
        if new.is_empty() {
            return Ok(Decision::nothing(state.event(row)));
        }
        if let Some(stranger) =
            new.iter().find(|account| rows.get(&AccountKey { account: **account }).is_none())
        {
            return Err(ChatRefused::NoAccount(*stranger));
        }
        if state.members.len() + new.len() > MAX_MEMBERS {
            return Err(ChatRefused::TooMany);
        }
        let members = new.into_iter().map(|account| (account, Membership::Invited)).collect();
        let invited = GroupChange { kind: ChatFactKind::Invited, by: self.by, members, title: None };
        Ok(change(state, row, invited, facts))
    }
}
