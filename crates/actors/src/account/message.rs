//! A chat says: there is a message, one was taken back, somebody reacted.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{ChatKind, Membership, MessageReceived, MessageSent, Payload};
use denrei_model::position::Seq;
use denrei_model::record::{MessageFact, ReactedFact, UnsentFact};
use denrei_model::row::{AccountChatKey, AccountChatRow, Change, ContactKey, ReceivedKey, ReceivedRow};
use denrei_storage::shard::Fetch;

use super::draft;
use crate::rows::Rows;

/// The account's standing in a chat.
pub(super) fn chat_row(account: AccountId, chat: ChatId) -> Fetch {
    Fetch { keys: vec![AccountChatKey { account, chat }.into()], scans: Vec::new() }
}

/// Its standing, and in a 1:1 chat whether the sender is blocked.
pub(super) fn needs(fact: &MessageFact, account: AccountId) -> Fetch {
    let mut fetch = chat_row(account, fact.message.chat);
    if peer(fact, account).is_some() && fact.message.sender != account {
        fetch.keys.push(ContactKey { account, other: fact.message.sender }.into());
    }
    fetch
}

/// The other one of a 1:1 chat.
fn peer(fact: &MessageFact, account: AccountId) -> Option<AccountId> {
    fact.pair.iter().copied().find(|other| *other != account)
}

/// A chat has a new message.
pub(super) fn sent(fact: &MessageFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let (chat, seq, sender) = (fact.message.chat, fact.message.seq, fact.message.sender);
    let key = AccountChatKey { account, chat };
    let peer = peer(fact, account);
    let known = rows.get(&key);
    let blocked = peer.is_some()
        && sender != account
        && rows.get(&ContactKey { account, other: sender }).is_some_and(|contact| contact.blocked);
    let mut row = match (known, peer) {
        (Some(row), _) => row.clone(),
        (None, Some(_)) if blocked => return Effects::default(),
        (None, Some(peer)) => new_direct(peer),
        (None, None) => return Effects::default(),
    };
    if row.membership != Membership::Joined {
        return Effects::default();
    }
    row.applied = seq;
    if blocked {
        row.close(seq.prev());
        return Effects { changes: vec![Change::put(key, row)], ..Effects::default() };
    }
    row.open(seq);
    (row.last_message, row.last_at) = (seq, fact.message.sent_at);
    let message = fact.message.clone();
    let mut changes = Vec::with_capacity(4);
    let payload = if sender == account {
        Payload::SendMessage(MessageSent { message, key: fact.key.clone(), device: fact.device, peer })
    } else {
        row.n += 1;
        changes.push(Change::put(ReceivedKey { account, chat, seq }, ReceivedRow { n: row.n }));
        Payload::ReceiveMessage(MessageReceived { message, n: row.n, peer })
    };
    changes.push(Change::put(key, row));
    Effects { changes, operations: vec![draft(account, at, payload)], ..Effects::default() }
}

/// A 1:1 chat is there from its first message on; nothing about it ever changes, so its versions stay zero.
fn new_direct(peer: AccountId) -> AccountChatRow {
    AccountChatRow {
        kind: ChatKind::Direct,
        membership: Membership::Joined,
        peer: Some(peer),
        ..AccountChatRow::default()
    }
}

/// A message was taken back.
pub(super) fn unsent(fact: &UnsentFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let own = fact.by == account;
    let payload = if own {
        Payload::UnsendMessage(fact.unsent.clone())
    } else {
        Payload::NotifiedUnsendMessage(fact.unsent.clone())
    };
    about(fact.unsent.chat, fact.unsent.seq, fact.unsent.version, account, rows, at, payload)
}

/// Somebody reacted.
pub(super) fn reacted(fact: &ReactedFact, account: AccountId, rows: &Rows, at: u64) -> Effects {
    let reacted = fact.reacted.clone();
    let (chat, target, version) = (reacted.chat, reacted.seq, reacted.version);
    let payload = if reacted.account == account {
        Payload::SendReaction(reacted)
    } else {
        Payload::NotifiedSendReaction(reacted)
    };
    about(chat, target, version, account, rows, at, payload)
}

/// Something happened to a message: told to those who may see it.
#[expect(
    clippy::too_many_arguments,
    reason = "where, what, when, whose and why: each is needed and none belongs together"
)]
fn about(
    chat: ChatId,
    target: Seq,
    version: Seq,
    account: AccountId,
    rows: &Rows,
    at: u64,
    payload: Payload,
) -> Effects {
    let key = AccountChatKey { account, chat };
    let Some(row) = rows.get(&key).filter(|row| row.membership == Membership::Joined) else {
        return Effects::default();
    };
    let sees = row.sees(target);
    let mut row = row.clone();
    row.applied = version;
    let operations = if sees { vec![draft(account, at, payload)] } else { Vec::new() };
    Effects { changes: vec![Change::put(key, row)], operations, ..Effects::default() }
}
