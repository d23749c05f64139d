//! The account: a person's log, profile, devices, contacts, settings, and standing in chats.
//!
//! A message's life here: `message` (a chat says that there is one) → an operation and a count; `mark_read` → the count at
//! the mark, and word to the chat; `reads` ← the chat's word of others' marks.

pub mod contact;
pub mod device;
pub mod mark_read;
pub mod profile;
pub mod renew_log;
pub mod setting;

mod chat;
mod message;
mod reads;

use denrei_model::effects::{Draft, Effects};
use denrei_model::id::AccountId;
use denrei_model::operation::Payload;
use denrei_model::record::{Fact, Record};
use denrei_model::row::{AccountKey, AccountRow, Change, Key, Row};
use denrei_storage::shard::Fetch;

pub use chat::standing;

use crate::command::Facts;
use crate::entity::{Entity, PartWork, Work};
use crate::rows::Rows;

/// State of an active account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Absent until it is registered.
    pub row: Option<Box<AccountRow>>,
}

#[expect(private_interfaces, reason = "parts are made by the runtime alone")]
impl Entity for Account {
    type Id = AccountId;

    fn core(id: &AccountId) -> Fetch {
        Fetch { keys: vec![AccountKey { account: *id }.into()], scans: Vec::new() }
    }

    fn part(work: Box<dyn Work<Self>>) -> PartWork {
        PartWork::Account(work)
    }

    fn empty(id: AccountId) -> Self {
        Self { id, row: None }
    }

    fn apply(&mut self, change: &Change) {
        if let Change::Put(Key::Account(key), row) = change
            && key.account == self.id
            && let Row::Account(row) = &**row
        {
            self.row = Some(Box::new(row.clone()));
        }
    }
}

/// The rows that an account looks at to take up a record, besides its core and head.
pub(crate) fn needs(record: &Record, account: AccountId) -> Fetch {
    match &record.fact {
        Some(Fact::Message(fact)) => message::needs(fact, account),
        Some(Fact::Unsent(fact)) => message::chat_row(account, fact.unsent.chat),
        Some(Fact::Reacted(fact)) => message::chat_row(account, fact.reacted.chat),
        Some(Fact::Chat(fact)) => message::chat_row(account, fact.changed.chat),
        Some(Fact::Read(fact)) => message::chat_row(account, fact.read.chat),
        Some(Fact::Added(fact)) => contact::added::needs(fact),
        Some(Fact::Unfollowed(fact)) => contact::unfollowed::needs(fact),
        Some(Fact::Profile(fact)) => contact::profile::needs(fact, account),
        Some(Fact::Handle(_)) => profile::followers(account),
        Some(Fact::Mark(_) | Fact::Released(_)) | None => Fetch::default(),
    }
}

/// What an account makes of a record. Accounts that are not registered pass over everything.
pub(crate) fn hear(record: &Record, account: &Account, rows: &Rows, facts: &Facts) -> Effects {
    let Some(row) = account.row.as_deref() else { return Effects::default() };
    let at = record.at;
    match &record.fact {
        Some(Fact::Message(fact)) => message::sent(fact, account.id, rows, at),
        Some(Fact::Unsent(fact)) => message::unsent(fact, account.id, rows, at),
        Some(Fact::Reacted(fact)) => message::reacted(fact, account.id, rows, at),
        Some(Fact::Chat(fact)) => chat::changed(fact, account.id, rows, at),
        Some(Fact::Read(fact)) => reads::told(fact, account.id, rows, at),
        Some(Fact::Added(fact)) => contact::added::apply(fact, row, rows, facts, at),
        Some(Fact::Unfollowed(fact)) => contact::unfollowed::apply(fact, row, rows),
        Some(Fact::Profile(fact)) => contact::profile::apply(fact, account.id, rows, at),
        Some(Fact::Handle(fact)) => profile::handle_granted(fact, row, rows, facts, at),
        Some(Fact::Mark(_) | Fact::Released(_)) | None => Effects::default(),
    }
}

/// One operation for an account's own log.
fn draft(account: AccountId, at: u64, payload: Payload) -> Draft {
    Draft { account, created_at: at, payload }
}
