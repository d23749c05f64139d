//! `POST /v1/chats`: makes a group.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::MAX_MEMBERS;
use denrei_actors::chatroom::create::Create;
use denrei_model::id::ChatId;
use denrei_model::operation::person::MAX_NAME_CHARS;
use denrei_model::wire::chat::{ChatAnswer, ChatDraft};

use super::ask;
use crate::openapi::{RequiredKey, refused};
use crate::problem::{Code, Problem};
use crate::request::{Body, Change, Fault, text};
use crate::state::Gateway;

impl Body for ChatDraft {
    fn check(&self) -> Result<(), Problem> {
        text("name", &self.name, 1, MAX_NAME_CHARS)?;
        if self.invite.len() >= MAX_MEMBERS {
            return Err(Fault::new("invite", format!("fewer than {MAX_MEMBERS} accounts")).into());
        }
        Ok(())
    }
}

/// Makes a group. Its id is made of the key: asked again, it is the same group.
#[utoipa::path(
    post, path = "/v1/chats", operation_id = "create_chat", tag = "chats",
    params(RequiredKey), request_body = ChatDraft,
    responses(
        (status = 200, body = ChatAnswer), refused::NoSuchAccount, refused::ChatExists,
        refused::TooManyMembers,
    ),
)]
pub(in crate::api) async fn create(
    change: Change<ChatDraft>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let creator = change.caller.account;
    let Some(key) = change.key() else {
        return Err(
            Problem::new(Code::KeyRequired).detail("a group's id is made of the Idempotency-Key: send one")
        );
    };
    let chat = ChatId::group(creator, key.as_str());
    let ChatDraft { name, invite, join } = change.body.clone();
    ask(&gateway, &change, Create { chat, creator, name, join, invite }).await
}
