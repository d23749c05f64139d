//! Handles: claimed by an account, given back when it takes another.

use denrei_model::effects::{Effects, Emit};
use denrei_model::id::AccountId;
use denrei_model::record::{Fact, HandleFact, Record, ReleasedFact};
use denrei_model::row::{Change, NameKey, NameRow};
use denrei_storage::shard::Fetch;

use super::{Name, handle_name};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Takes a handle. The account's profile learns of it through the inbox.
#[derive(Clone, Debug)]
pub struct ClaimHandle {
    /// The handle; its form has been checked.
    pub handle: String,
    /// For whom.
    pub account: AccountId,
}

/// Who has the name.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Named {
    /// The account.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
}

/// Why a handle is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HandleRefused {
    /// Somebody else has it.
    #[error("the handle is taken")]
    Taken,
}

impl Command for ClaimHandle {
    type Entity = Name;
    type Answer = Named;
    type Refusal = HandleRefused;
    const NAME: &'static str = "claim_handle";

    fn entity(&self) -> EntityRef {
        EntityRef::Name(handle_name(&self.handle))
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Name, _: &Rows, facts: &Facts) -> Result<Decision<Named>, HandleRefused> {
        let account = self.account;
        match &state.row {
            Some(row) if row.account != account => return Err(HandleRefused::Taken),
            Some(_) => return Ok(Decision::nothing(Named { account })),
            None => {}
        }
        let fact = Fact::Handle(HandleFact { account, handle: self.handle.clone() });
        let record = Record { at: facts.now.as_millis(), fact: Some(fact) };
        let row = NameRow { account, ..NameRow::default() };
        let effects = Effects {
            changes: vec![Change::put(NameKey { name: state.name.clone() }, row)],
            emits: vec![Emit { to: facts.shards.of_account(account), record }],
            ..Effects::default()
        };
        Ok(Decision { effects, answer: Named { account } })
    }
}

/// An account gives a handle back; it is free unless somebody else has it.
pub(super) fn released(fact: &ReleasedFact, name: &Name) -> Effects {
    match &name.row {
        Some(row) if row.account == fact.account => Effects {
            changes: vec![Change::delete(NameKey { name: name.name.clone() })],
            ..Effects::default()
        },
        _ => Effects::default(),
    }
}
