//! `PATCH /v1/chats/{chat}`: a member renames a group, or changes how people come in.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::update::Update;
use denrei_model::id::ChatId;
use denrei_model::operation::person::MAX_NAME_CHARS;
use denrei_model::wire::chat::{ChatAnswer, ChatPatch};

use super::ask;
use crate::openapi::{Key, refused};
use crate::problem::{Code, Problem};
use crate::request::{Body, Change, text};
use crate::state::Gateway;

impl Body for ChatPatch {
    fn check(&self) -> Result<(), Problem> {
        match (&self.name, &self.join) {
            (Some(name), _) => Ok(text("name", name, 1, MAX_NAME_CHARS)?),
            (None, Some(_)) => Ok(()),
            (None, None) => Err(Problem::new(Code::InvalidRequest).detail("expected `name`, `join` or both")),
        }
    }
}

/// Renames a group, or changes how people come in; what is absent stays.
#[utoipa::path(
    patch, path = "/v1/chats/{chat}", operation_id = "update_chat", tag = "chats",
    params(Key), request_body = ChatPatch,
    responses((status = 200, body = ChatAnswer), refused::NotMember, refused::NotGroup),
)]
pub(in crate::api) async fn update(
    change: Change<ChatPatch, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let ChatPatch { name, join } = change.body.clone();
    ask(&gateway, &change, Update { chat: change.path, by: change.caller.account, name, join }).await
}
