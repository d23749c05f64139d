//! `PUT /v1/chats/{chat}/read`: I have read the chat up to here.

use actix_web::web::{Data, Json};
use denrei_actors::account::mark_read::MarkRead;
use denrei_model::id::ChatId;
use denrei_model::wire::chat::{ReadAnswer, ReadRequest};

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change};
use crate::state::Gateway;

impl Body for ReadRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Marks a chat as read up to a message. The mark moves forwards only.
#[utoipa::path(
    put, path = "/v1/chats/{chat}/read", operation_id = "mark_read", tag = "chats",
    params(Key), request_body = ReadRequest,
    responses((status = 200, body = ReadAnswer), refused::NotMember),
)]
pub(in crate::api) async fn mark(
    change: Change<ReadRequest, ChatId>,
    gateway: Data<Gateway>,
) -> Result<Json<ReadAnswer>, Problem> {
    let (account, chat) = (change.caller.account, change.path);
    let mark = MarkRead { account, chat, seq: change.body.seq };
    let marked = gateway.runtime.ask(mark, change.origin()).await?;
    Ok(Json(ReadAnswer { chat, seq: marked.seq, unread: marked.unread }))
}
