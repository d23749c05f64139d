//! `GET /v1/chats/{chat}/messages`: a chat read back, page by page.

use actix_web::web::{Data, Json, Path};
use denrei_model::id::ChatId;
use denrei_model::operation::Membership;
use denrei_model::position::Seq;
use denrei_model::row::AccountChatKey;
use denrei_model::wire::message::{History, MAX_HISTORY};
use denrei_storage::shard::Fetch;
use serde::Deserialize;

use crate::auth::Caller;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::state::Gateway;
use crate::stream::snapshot::history;

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PageQuery {
    /// The messages before this seq; the newest ones if absent.
    before: Option<Seq>,
    /// Most messages, 1 to 100.
    limit: Option<usize>,
}

/// Reads a chat back, page by page: what one may see of it, newest last.
///
/// Each message says whether it was taken back, and its reactions.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/messages", operation_id = "list_messages", tag = "messages",
    params(PageQuery),
    responses((status = 200, body = History), refused::NotMember),
)]
pub(in crate::api) async fn list(
    caller: Caller,
    chat: Path<ChatId>,
    query: Query<PageQuery>,
    gateway: Data<Gateway>,
) -> Result<Json<History>, Problem> {
    let limit = query.0.limit.unwrap_or(MAX_HISTORY);
    if !(1..=MAX_HISTORY).contains(&limit) {
        let detail = format!("`limit` must be 1 to {MAX_HISTORY}");
        return Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "limit"));
    }
    let moment = gateway.reader.snapshot().await?;
    let key = AccountChatKey { account: caller.account, chat: *chat };
    let fetched = moment.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await?;
    let own = fetched.row::<AccountChatKey>(0).filter(|row| row.membership == Membership::Joined);
    let own = own.ok_or(Code::NotMember)?;
    Ok(Json(history(&*moment, caller.account, *chat, own, query.0.before, limit).await?))
}
