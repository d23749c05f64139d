//! A chat says how far others have read.

use denrei_model::effects::{Effects, Notice};
use denrei_model::id::AccountId;
use denrei_model::operation::{ChatRead, Membership, Payload};
use denrei_model::record::ReadFact;
use denrei_model::row::AccountChatKey;

use super::draft;
use crate::rows::Rows;

/// The marks of others: an operation, or in a large chat a notice to open streams.
pub(super) fn told(fact: &ReadFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let chat = fact.read.chat;
    let joined =
        rows.get(&AccountChatKey { account, chat }).is_some_and(|row| row.membership == Membership::Joined);
    let reads: Vec<_> = fact.read.reads.iter().filter(|read| read.account != account).cloned().collect();
    if !joined || reads.is_empty() {
        return Effects::default();
    }
    let payload = Payload::NotifiedReadMessage(ChatRead { chat, reads });
    if fact.ephemeral {
        return Effects { notices: vec![Notice { account, payload }], ..Effects::default() };
    }
    Effects { operations: vec![draft(account, at, payload)], ..Effects::default() }
}
