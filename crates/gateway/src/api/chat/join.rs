//! `POST /v1/chats/{chat}/join`: somebody comes into an open group.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::join::Join;
use denrei_model::id::ChatId;
use denrei_model::wire::chat::ChatAnswer;

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Joins an open group.
#[utoipa::path(
    post, path = "/v1/chats/{chat}/join", operation_id = "join_chat", tag = "chats",
    params(Key),
    responses(
        (status = 200, body = ChatAnswer), refused::NotMember, refused::NotOpen, refused::NotGroup,
        refused::TooManyMembers,
    ),
)]
pub(in crate::api) async fn join(
    change: Change<Nothing, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    ask(&gateway, &change, Join { chat: change.path, account: change.caller.account }).await
}
