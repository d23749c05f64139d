//! `POST /v1/chats/{chat}/leave`: somebody leaves a group.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::leave::Leave;
use denrei_model::id::ChatId;
use denrei_model::wire::chat::ChatAnswer;

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Leaves a group.
#[utoipa::path(
    post, path = "/v1/chats/{chat}/leave", operation_id = "leave_chat", tag = "chats",
    params(Key),
    responses((status = 200, body = ChatAnswer), refused::NotMember, refused::NotGroup),
)]
pub(in crate::api) async fn leave(
    change: Change<Nothing, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    ask(&gateway, &change, Leave { chat: change.path, account: change.caller.account }).await
}
