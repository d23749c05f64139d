//! `POST /v1/chats/{chat}/accept` and `/reject`: somebody answers an invitation.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::answer::Answer;
use denrei_model::id::ChatId;
use denrei_model::wire::chat::ChatAnswer;

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Accepts an invitation.
#[utoipa::path(
    post, path = "/v1/chats/{chat}/accept", operation_id = "accept_invitation", tag = "chats",
    params(Key),
    responses((status = 200, body = ChatAnswer), refused::NotMember, refused::NotInvited, refused::NotGroup),
)]
pub(in crate::api) async fn accept(
    change: Change<Nothing, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    ask(&gateway, &change, Answer { chat: change.path, account: change.caller.account, accept: true }).await
}

/// Rejects an invitation.
#[utoipa::path(
    post, path = "/v1/chats/{chat}/reject", operation_id = "reject_invitation", tag = "chats",
    params(Key),
    responses((status = 200, body = ChatAnswer), refused::NotMember, refused::NotInvited, refused::NotGroup),
)]
pub(in crate::api) async fn reject(
    change: Change<Nothing, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    ask(&gateway, &change, Answer { chat: change.path, account: change.caller.account, accept: false }).await
}
