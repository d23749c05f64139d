//! Removing a contact. A block outlives it.

use denrei_model::effects::Emit;
use denrei_model::id::AccountId;
use denrei_model::operation::{ContactRemoved, Payload, Relation};
use denrei_model::record::{Fact, Record, UnfollowedFact};
use denrei_model::row::ContactKey;
use denrei_storage::shard::Fetch;

use super::{ContactNow, ContactRefused, write};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Forgets somebody.
#[derive(Clone, Debug)]
pub struct RemoveContact {
    /// Whose contact.
    pub account: AccountId,
    /// Who.
    pub other: AccountId,
}

impl Command for RemoveContact {
    type Entity = Account;
    type Answer = ContactNow;
    type Refusal = ContactRefused;
    const NAME: &'static str = "remove_contact";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        let key = ContactKey { account: self.account, other: self.other };
        Fetch { keys: vec![key.into()], scans: Vec::new() }
    }

    fn decide(
        &self,
        _: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ContactNow>, ContactRefused> {
        let key = ContactKey { account: self.account, other: self.other };
        let Some(known) = rows.get(&key).filter(|contact| contact.relation != Relation::None) else {
            return Ok(Decision::nothing(ContactNow { contact: rows.get(&key).cloned() }));
        };
        let followed = known.relation == Relation::Added;
        let mut contact = known.clone();
        (contact.relation, contact.favorite) = (Relation::None, false);
        contact.version = rows.next_revision(self.account);
        let kept = contact.blocked.then(|| contact.clone());
        let at = facts.now.as_millis();
        let mut effects = write(self.account, contact, rows, at, |contact| {
            if contact.blocked {
                Payload::UpdateContact(contact)
            } else {
                Payload::DeleteContact(ContactRemoved { account: contact.account, version: contact.version })
            }
        });
        if followed {
            let fact = UnfollowedFact { account: self.other, by: self.account };
            let record = Record { at, fact: Some(Fact::Unfollowed(fact)) };
            effects.emits.push(Emit { to: facts.shards.of_account(self.other), record });
        }
        Ok(Decision { effects, answer: ContactNow { contact: kept } })
    }
}
