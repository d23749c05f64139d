//! `GET /v1/chats/{chat}`: one chat, as snapshots show it.

use actix_web::web::{Data, Json, Path};
use denrei_model::id::ChatId;
use denrei_model::operation::Membership;
use denrei_model::row::AccountChatKey;
use denrei_model::wire::snapshot::ChatItem;
use denrei_storage::shard::Fetch;

use crate::auth::Caller;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::state::Gateway;
use crate::stream::snapshot::chat_item;

/// Shows a chat, as snapshots do, to those who are in it or invited.
#[utoipa::path(
    get, path = "/v1/chats/{chat}", operation_id = "show_chat", tag = "chats",
    responses((status = 200, body = ChatItem), refused::NotMember),
)]
pub(in crate::api) async fn show(
    caller: Caller,
    chat: Path<ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatItem>, Problem> {
    let moment = gateway.reader.snapshot().await?;
    let key = AccountChatKey { account: caller.account, chat: *chat };
    let fetched = moment.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await?;
    let own = fetched.row::<AccountChatKey>(0).filter(|row| row.membership != Membership::Gone);
    let own = own.ok_or(Code::NotMember)?.clone();
    let item = chat_item(&*moment, *chat, own).await?;
    Ok(Json(item.ok_or(Code::NotMember)?))
}
