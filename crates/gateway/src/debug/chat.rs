//! `GET /debug/chats/{chat}`: what a chat is, and who is, was or is asked into it.

use actix_web::web::{Data, Json, Path};
use denrei_actors::entity::EntityRef;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{ChatKind, JoinPolicy, Member};
use denrei_model::position::Seq;
use denrei_model::row::{ChatKey, ChatRow, Key, KeyRange, MemberKey};
use denrei_storage::shard::{Fetch, Scan};
use serde::Serialize;

use super::Debug;
use super::whereabouts::Whereabouts;
use crate::problem::{Code, Problem};

/// Most members shown, those who are gone included.
const MAX_MEMBERS: usize = 1_000;

/// A chat, as its durable rows and its shard have it.
#[derive(Serialize)]
pub(super) struct ChatPage {
    chat: ChatId,
    whereabouts: Whereabouts,
    row: Option<ChatView>,
    /// The first of them by id.
    members: Vec<Member>,
    more_members: bool,
}

#[derive(Serialize)]
struct ChatView {
    kind: ChatKind,
    name: String,
    join: JoinPolicy,
    /// The seq of the event that last changed name or join policy.
    version: Seq,
    /// The seq of the last event.
    last: Seq,
    last_at: u64,
}

impl From<&ChatRow> for ChatView {
    fn from(row: &ChatRow) -> Self {
        Self {
            kind: row.kind,
            name: row.name.clone(),
            join: row.join,
            version: row.version,
            last: row.last,
            last_at: row.last_at,
        }
    }
}

/// Shows it.
pub(super) async fn show(chat: Path<ChatId>, debug: Data<Debug>) -> Result<Json<ChatPage>, Problem> {
    let chat = *chat;
    let key = |account| MemberKey { chat, account };
    let members = KeyRange::new(key(AccountId::default()), key(AccountId::MAX));
    let fetch =
        Fetch { keys: vec![ChatKey { chat }.into()], scans: vec![Scan::forward(members, MAX_MEMBERS + 1)] };
    let fetched = debug.gateway.reader.fetch(fetch).await?;
    let row = fetched.row::<ChatKey>(0);
    let mut members: Vec<Member> = fetched
        .scan::<MemberKey>(0)
        .filter_map(|(key, row)| {
            let Key::Member(MemberKey { account, .. }) = key else { return None };
            let (membership, version, read) = (row.membership, row.version, row.read);
            Some(Member { account: *account, membership, version, read })
        })
        .collect();
    if row.is_none() && members.is_empty() {
        return Err(Problem::new(Code::NotFound).detail(format!("there is no chat {chat}")));
    }
    let more_members = members.len() > MAX_MEMBERS;
    members.truncate(MAX_MEMBERS);
    let whereabouts = Whereabouts::of(&debug, &EntityRef::Chat(chat)).await;
    Ok(Json(ChatPage { chat, whereabouts, row: row.map(ChatView::from), members, more_members }))
}
