//! `GET /v1/snapshots/{category}`: pages of what an account holds, each read from one moment together with the head, so
//! that a page that says R holds the effect of every operation up to R (Rule S).

mod chats;
mod cursor;
mod messages;
mod personal;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use denrei_model::id::AccountId;
use denrei_model::operation::Category;
use denrei_model::row::{AccountChatKey, AccountChatRow, Key, KeyRange};
use denrei_model::wire::snapshot::SnapshotPage;
use denrei_model::{ChatId, wire::Position};
use denrei_storage::shard::{Fetch, Scan, Snapshot};
use serde::{Deserialize, Serialize};

use super::position::{head, head_position};
use crate::auth::Caller;
use crate::openapi::{SnapshotAnswer, refused};
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::state::Gateway;
use cursor::{after, cursor};

pub use chats::chat_item;
pub use messages::history;

/// Most chats that the page of the most recent ones looks through.
const MAX_LOOKED: usize = 20_000;

/// What is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// Most items: 1 to 1,000 settings or contacts, 200 chats, the messages of 50 chats. A fair number if absent.
    limit: Option<usize>,
    /// The most recent chats first, one page only: for the first screen.
    #[serde(default)]
    top: bool,
}

/// One moment of an account, for the items of a page.
struct Moment<'a> {
    snapshot: &'a dyn Snapshot,
    account: AccountId,
}

/// Items and where the next page begins.
struct Items<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// Gives a page of a category, read in one moment together with the head.
///
/// A page that says position R holds, for every operation up to R in that category, its effect or a later one.
#[utoipa::path(
    get, path = "/v1/snapshots/{category}", operation_id = "snapshot", tag = "sync",
    params(PageQuery),
    responses((status = 200, body = SnapshotAnswer), refused::NoSuchAccount),
)]
pub(super) async fn page(
    caller: Caller,
    category: Path<Category>,
    query: Query<PageQuery>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let (category, query) = (category.into_inner(), query.into_inner());
    let snapshot = gateway.reader.snapshot().await?;
    let head = head(&*snapshot, caller.account).await?;
    let head = head.ok_or_else(|| Problem::new(Code::NoSuchAccount))?;
    let position = head_position(&gateway, &head);
    let moment = Moment { snapshot: &*snapshot, account: caller.account };
    match category {
        Category::Profile => answer(category, position, personal::profile(&moment).await?),
        Category::Settings => answer(category, position, personal::settings(&moment, &query).await?),
        Category::Contacts => answer(category, position, personal::contacts(&moment, &query).await?),
        Category::Chats => answer(category, position, chats::chats(&moment, &query).await?),
        Category::Messages => answer(category, position, messages::messages(&moment, &query).await?),
    }
}

fn answer<T: Serialize>(
    category: Category,
    position: Position,
    items: Items<T>,
) -> Result<HttpResponse, Problem> {
    let Items { items, next } = items;
    Ok(HttpResponse::Ok().json(SnapshotPage { category, position, items, next }))
}

fn limit(query: &PageQuery, default: usize, most: usize) -> Result<usize, Problem> {
    match query.limit {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => {
            let detail = format!("`limit` must be 1 to {most}");
            Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "limit"))
        }
    }
}

/// The account's own standing in its chats: a page by chat id, or the most recent ones.
async fn standings(
    moment: &Moment<'_>,
    query: &PageQuery,
    limit: usize,
) -> Result<Items<(ChatId, AccountChatRow)>, Problem> {
    let key = |chat| AccountChatKey { account: moment.account, chat };
    let range = KeyRange::new(key(ChatId::default()), key(ChatId::MAX));
    let scan = if query.top {
        Scan::forward(range, MAX_LOOKED)
    } else {
        Scan::forward(after(&range, query.after.as_deref())?, limit)
    };
    let fetch = Fetch { keys: Vec::new(), scans: vec![scan] };
    let fetched = moment.snapshot.fetch(fetch).await?;
    let mut items: Vec<(ChatId, AccountChatRow)> = fetched
        .scan::<AccountChatKey>(0)
        .filter_map(
            |(key, row)| if let Key::AccountChat(key) = key { Some((key.chat, row.clone())) } else { None },
        )
        .collect();
    if query.top {
        items.sort_by_key(|(chat, row)| (std::cmp::Reverse(row.last_at), *chat));
        items.truncate(limit);
        return Ok(Items { items, next: None });
    }
    let full = items.len() == limit;
    let next = items.last().filter(|_| full).map(|(chat, _)| cursor(&key(*chat).into()));
    Ok(Items { items, next })
}
