//! Adding a contact, and marking one as a favourite.

use denrei_model::effects::Emit;
use denrei_model::id::AccountId;
use denrei_model::operation::{Payload, Relation};
use denrei_model::record::{AddedFact, Fact, Record};
use denrei_storage::shard::Fetch;

use super::{ContactNow, ContactRefused, current, needs, write};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Adds somebody if they are not added yet, and sets whether they are a favourite.
#[derive(Clone, Debug)]
pub struct PutContact {
    /// Whose contact.
    pub account: AccountId,
    /// Who.
    pub other: AccountId,
    /// Marked as a favourite.
    pub favorite: bool,
}

impl Command for PutContact {
    type Entity = Account;
    type Answer = ContactNow;
    type Refusal = ContactRefused;
    const NAME: &'static str = "put_contact";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.other)
    }

    fn decide(
        &self,
        state: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ContactNow>, ContactRefused> {
        let own = state.row.as_deref().ok_or(ContactRefused::NoSuchAccount)?;
        let mut contact = current(self.account, self.other, rows)?;
        let new = contact.relation != Relation::Added;
        if !new && contact.favorite == self.favorite {
            return Ok(Decision::nothing(ContactNow { contact: Some(contact) }));
        }
        (contact.relation, contact.favorite) = (Relation::Added, self.favorite);
        contact.version = rows.next_revision(self.account);
        let answer = ContactNow { contact: Some(contact.clone()) };
        let at = facts.now.as_millis();
        let payload = if new { Payload::AddContact } else { Payload::UpdateContact };
        let mut effects = write(self.account, contact, rows, at, payload);
        if new {
            let fact = AddedFact { account: self.other, by: self.account, profile: own.profile.clone() };
            let record = Record { at, fact: Some(Fact::Added(fact)) };
            effects.emits.push(Emit { to: facts.shards.of_account(self.other), record });
        }
        Ok(Decision { effects, answer })
    }
}
