//! `DELETE /v1/chats/{chat}/messages/{seq}`: a sender takes a message back.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::unsend::Unsend;
use denrei_model::id::ChatId;
use denrei_model::position::Seq;
use denrei_model::wire::chat::ChatAnswer;

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Takes one's own message back: its body is gone wherever it is shown.
#[utoipa::path(
    delete, path = "/v1/chats/{chat}/messages/{seq}", operation_id = "unsend_message", tag = "messages",
    params(Key),
    responses(
        (status = 200, body = ChatAnswer), refused::NotMember, refused::NotSender, refused::NoSuchMessage,
    ),
)]
pub(in crate::api) async fn unsend(
    change: Change<Nothing, (ChatId, Seq)>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let (chat, seq) = change.path;
    let unsend = Unsend { chat, seq, account: change.caller.account };
    let event = gateway.runtime.ask(unsend, change.origin()).await?;
    Ok(Json(ChatAnswer { chat, seq: event.seq }))
}
