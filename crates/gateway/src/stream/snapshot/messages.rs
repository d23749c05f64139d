//! The newest messages of each chat, and further pages of one.

use denrei_model::ChatId;
use denrei_model::id::AccountId;
use denrei_model::operation::Membership;
use denrei_model::position::Seq;
use denrei_model::row::{AccountChatKey, AccountChatRow, Key, KeyRange, MessageKey, MessageRow};
use denrei_model::wire::message::{History, HistoryMessage, MAX_HISTORY};
use denrei_model::wire::snapshot::MAX_HISTORIES;
use denrei_storage::shard::{Fetch, ReadError, Scan, Snapshot};
use prost::Message as _;

use super::cursor::cursor;
use super::{Items, Moment, PageQuery, limit, standings};
use crate::problem::Problem;

/// Chats of a page if nothing is said.
const PAGE: usize = 20;

/// A page with so many bytes of messages takes no further chat.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The newest messages of each chat that the account is in.
pub(super) async fn messages(moment: &Moment<'_>, query: &PageQuery) -> Result<Items<History>, Problem> {
    let Items { items, mut next } = standings(moment, query, limit(query, PAGE, MAX_HISTORIES)?).await?;
    let (mut histories, mut bytes) = (Vec::with_capacity(items.len()), 0);
    for (chat, row) in items {
        if bytes >= PAGE_BYTES {
            break;
        }
        if row.membership == Membership::Joined {
            let page = history(moment.snapshot, moment.account, chat, &row, None, MAX_HISTORY).await?;
            bytes += page.messages.iter().map(|shown| shown.message.encoded_len()).sum::<usize>();
            histories.push(page);
            if bytes >= PAGE_BYTES && !query.top {
                let last = AccountChatKey { account: moment.account, chat };
                next = Some(cursor(&last.into()));
            }
        }
    }
    Ok(Items { items: histories, next })
}

/// Up to `count` messages before a seq (the newest without one) that the account may see, newest last.
///
/// # Errors
/// See [`ReadError`].
#[expect(
    clippy::too_many_arguments,
    reason = "where, whose, what, from where and how many are each a thing of their own"
)]
pub async fn history(
    snapshot: &dyn Snapshot,
    account: AccountId,
    chat: ChatId,
    row: &AccountChatRow,
    before: Option<Seq>,
    count: usize,
) -> Result<History, ReadError> {
    // What the chat holds beyond what the account has applied is not shown: it will learn of it by an operation.
    let end = before.unwrap_or(Seq::MAX).min(row.applied.next());
    let key = |seq| MessageKey { chat, seq };
    let fetch = Fetch {
        keys: Vec::new(),
        scans: vec![Scan::backward(KeyRange::new(key(Seq::ZERO), key(end)), count)],
    };
    let fetched = snapshot.fetch(fetch).await?;
    let found: Vec<(Seq, &MessageRow)> = fetched
        .scan::<MessageKey>(0)
        .filter_map(|(key, row)| if let Key::Message(key) = key { Some((key.seq, row)) } else { None })
        .collect();
    let complete_from =
        if found.len() < count { Seq::new(1) } else { found.last().map_or(Seq::new(1), |last| last.0) };
    let visible = found.into_iter().rev().filter(|(seq, _)| row.sees(*seq));
    let messages = visible.map(|(_, stored)| shown(stored, account)).collect();
    Ok(History { chat, messages, complete_from })
}

/// A message, with its key if it is one's own.
fn shown(stored: &MessageRow, account: AccountId) -> HistoryMessage {
    let key = stored.key.clone().filter(|_| stored.message.sender == account);
    HistoryMessage { message: stored.message.clone(), key }
}
