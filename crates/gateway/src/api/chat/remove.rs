//! `DELETE /v1/chats/{chat}/members/{account}`: a member removes another, or withdraws an invitation.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::remove::Remove;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::wire::chat::ChatAnswer;

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Removes a member from a group, or withdraws an invitation.
#[utoipa::path(
    delete, path = "/v1/chats/{chat}/members/{account}", operation_id = "remove_member", tag = "chats",
    params(Key),
    responses((status = 200, body = ChatAnswer), refused::NotMember, refused::NotGroup, refused::Oneself),
)]
pub(in crate::api) async fn remove(
    change: Change<Nothing, (ChatId, AccountId)>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let (chat, account) = change.path;
    ask(&gateway, &change, Remove { chat, by: change.caller.account, account }).await
}
