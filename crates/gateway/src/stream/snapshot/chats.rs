//! Chats with their members and one's own standing.

use denrei_actors::account::standing;
use denrei_model::ChatId;
use denrei_model::id::AccountId;
use denrei_model::operation::{ChatState, Member, Membership};
use denrei_model::position::Seq;
use denrei_model::row::{AccountChatRow, ChatKey, ChatRow, Key, KeyRange, MemberKey};
use denrei_model::wire::snapshot::{ChatItem, MAX_CHATS};
use denrei_storage::shard::{Fetch, ReadError, Scan, Snapshot};

use super::{Items, Moment, PageQuery, limit, standings};
use crate::problem::Problem;

/// Chats of a page if nothing is said.
const PAGE: usize = 50;
/// More members than any group has.
const MEMBERS: usize = 1_000;

/// Chats that the account is in or invited into.
pub(super) async fn chats(moment: &Moment<'_>, query: &PageQuery) -> Result<Items<ChatItem>, Problem> {
    let Items { items, next } = standings(moment, query, limit(query, PAGE, MAX_CHATS)?).await?;
    let rows: Vec<_> = items.into_iter().filter(|(_, row)| row.membership != Membership::Gone).collect();
    let items = chat_items(moment.snapshot, &rows).await?;
    Ok(Items { items, next })
}

/// One chat as a snapshot shows it.
///
/// # Errors
/// See [`ReadError`].
pub async fn chat_item(
    snapshot: &dyn Snapshot,
    chat: ChatId,
    row: AccountChatRow,
) -> Result<Option<ChatItem>, ReadError> {
    Ok(chat_items(snapshot, &[(chat, row)]).await?.pop())
}

async fn chat_items(
    snapshot: &dyn Snapshot,
    rows: &[(ChatId, AccountChatRow)],
) -> Result<Vec<ChatItem>, ReadError> {
    let member = |chat: ChatId, account| MemberKey { chat, account };
    let range = |chat| KeyRange::new(member(chat, AccountId::default()), member(chat, AccountId::MAX));
    let fetch = Fetch {
        keys: rows.iter().map(|(chat, _)| ChatKey { chat: *chat }.into()).collect(),
        scans: rows.iter().map(|(chat, _)| Scan::forward(range(*chat), MEMBERS)).collect(),
    };
    let fetched = snapshot.fetch(fetch).await?;
    let mut items = Vec::with_capacity(rows.len());
    for (index, (chat, own)) in rows.iter().enumerate() {
        let Some(row) = fetched.row::<ChatKey>(index) else { continue };
        // Read marks are told to those who are in; to the invited none are shown.
        let joined = own.membership == Membership::Joined;
        let members = fetched.scan::<MemberKey>(index).filter_map(|(key, row)| {
            let Key::Member(key) = key else { return None };
            let read = if joined { row.read } else { Seq::ZERO };
            Some(Member { account: key.account, membership: row.membership, version: row.version, read })
        });
        items.push(item(*chat, row, members.collect(), own));
    }
    Ok(items)
}

fn item(chat: ChatId, row: &ChatRow, members: Vec<Member>, own: &AccountChatRow) -> ChatItem {
    let state = ChatState {
        chat,
        kind: row.kind,
        name: row.name.clone(),
        join: row.join,
        version: row.version,
        members,
    };
    ChatItem { state, standing: standing(own), last_message: own.last_message, last_at: own.last_at }
}
