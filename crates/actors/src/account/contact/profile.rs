//! The profile of somebody this account has added is new.

use denrei_model::effects::Effects;
use denrei_model::id::AccountId;
use denrei_model::operation::Payload;
use denrei_model::record::ProfileFact;
use denrei_model::row::ContactKey;
use denrei_storage::shard::Fetch;

use super::write;
use crate::rows::Rows;

pub(in crate::account) fn needs(fact: &ProfileFact, account: AccountId) -> Fetch {
    Fetch { keys: vec![ContactKey { account, other: fact.account }.into()], scans: Vec::new() }
}

/// Takes it up if it is newer than what is known.
pub(in crate::account) fn apply(fact: &ProfileFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let known = rows.get(&ContactKey { account, other: fact.account });
    let Some(contact) = known.filter(|contact| fact.profile.version > contact.profile.version) else {
        return Effects::default();
    };
    let mut contact = contact.clone();
    contact.profile = fact.profile.clone();
    write(account, contact, rows, at, Payload::NotifiedUpdateProfile)
}
