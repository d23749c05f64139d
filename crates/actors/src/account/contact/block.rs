//! Blocking and unblocking somebody.

use denrei_model::id::AccountId;
use denrei_model::operation::{Payload, Relation};
use denrei_storage::shard::Fetch;

use super::{ContactNow, ContactRefused, current, needs, write};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Blocks somebody, whether a contact or not: their 1:1 messages do not arrive, and they are not told.
#[derive(Clone, Debug)]
pub struct SetBlock {
    /// Who blocks.
    pub account: AccountId,
    /// Whom.
    pub other: AccountId,
    /// Block, or take the block back.
    pub blocked: bool,
}

impl Command for SetBlock {
    type Entity = Account;
    type Answer = ContactNow;
    type Refusal = ContactRefused;
    const NAME: &'static str = "set_block";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.other)
    }

    fn decide(
        &self,
        _: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<ContactNow>, ContactRefused> {
        let mut contact = current(self.account, self.other, rows)?;
        let held = |contact: &denrei_model::operation::Contact| {
            contact.blocked || contact.relation != Relation::None
        };
        if contact.blocked == self.blocked {
            return Ok(Decision::nothing(ContactNow { contact: Some(contact).filter(held) }));
        }
        contact.blocked = self.blocked;
        contact.version = rows.next_revision(self.account);
        let answer = ContactNow { contact: Some(contact.clone()).filter(held) };
        let payload = if self.blocked { Payload::BlockContact } else { Payload::UnblockContact };
        let effects = write(self.account, contact, rows, facts.now.as_millis(), payload);
        Ok(Decision { effects, answer })
    }
}
