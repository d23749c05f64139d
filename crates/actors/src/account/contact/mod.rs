//! Contacts: whom an account knows, and who knows it.
//!
//! `put`, `remove`, `block` are the account's own commands; `added`, `unfollowed`, `profile` are what other accounts say.

pub mod block;
pub mod put;
pub mod remove;

pub(super) mod added;
pub(super) mod profile;
pub(super) mod unfollowed;

use denrei_model::effects::Effects;
use denrei_model::id::AccountId;
use denrei_model::operation::{Contact, Payload, Relation};
use denrei_model::row::{AccountKey, Change, ContactKey};
use denrei_storage::shard::Fetch;

use super::draft;
use crate::rows::Rows;

/// The contact as it is now; absent when there is none.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContactNow {
    /// The contact.
    #[prost(message, optional, tag = "1")]
    pub contact: Option<Contact>,
}

/// Why a change of a contact is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContactRefused {
    /// There is no such account to know.
    #[error("no such account")]
    NoSuchAccount,
    /// One is no contact of oneself.
    #[error("that is you")]
    Oneself,
}

/// A contact, and what its own account's row says (read as it is durable; another shard may own it).
fn needs(account: AccountId, other: AccountId) -> Fetch {
    let keys = vec![ContactKey { account, other }.into(), AccountKey { account: other }.into()];
    Fetch { keys, scans: Vec::new() }
}

/// The contact as known, or a new one without relation, with the newest profile that can be seen.
fn current(account: AccountId, other: AccountId, rows: &Rows) -> Result<Contact, ContactRefused> {
    if account == other {
        return Err(ContactRefused::Oneself);
    }
    let seen = rows.get(&AccountKey { account: other }).map(|row| &row.profile);
    let known = rows.get(&ContactKey { account, other });
    let mut contact = match (known, seen) {
        (Some(contact), _) => contact.clone(),
        (None, Some(profile)) => Contact { account: other, profile: profile.clone(), ..Contact::default() },
        (None, None) => return Err(ContactRefused::NoSuchAccount),
    };
    if let Some(profile) = seen.filter(|profile| profile.version > contact.profile.version) {
        contact.profile = profile.clone();
    }
    Ok(contact)
}

/// Writes the contact at the next revision, or removes it when nothing holds it any more, and says so.
fn write(
    account: AccountId,
    mut contact: Contact,
    rows: &Rows,
    at: u64,
    payload: impl FnOnce(Contact) -> Payload,
) -> Effects {
    contact.version = rows.next_revision(account);
    let key = ContactKey { account, other: contact.account };
    let change = if contact.relation == Relation::None && !contact.blocked {
        Change::delete(key)
    } else {
        Change::put(key, contact.clone())
    };
    let operations = vec![draft(account, at, payload(contact))];
    Effects { changes: vec![change], operations, ..Effects::default() }
}
