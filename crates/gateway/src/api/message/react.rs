//! `PUT` and `DELETE` of `/v1/chats/{chat}/messages/{seq}/reaction`: one's reaction to a message.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::react::React;
use denrei_model::id::ChatId;
use denrei_model::message::MAX_REACTION_BYTES;
use denrei_model::position::Seq;
use denrei_model::wire::chat::ChatAnswer;
use denrei_model::wire::message::ReactionDraft;

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Fault, Nothing, text};
use crate::state::Gateway;

impl Body for ReactionDraft {
    fn check(&self) -> Result<(), Problem> {
        text("emoji", &self.emoji, 1, MAX_REACTION_BYTES)?;
        if self.emoji.len() > MAX_REACTION_BYTES || self.emoji.chars().any(char::is_whitespace) {
            return Err(Fault::new("emoji", format!("one emoji, at most {MAX_REACTION_BYTES} bytes")).into());
        }
        Ok(())
    }
}

/// Sets or changes one's reaction to a message.
#[utoipa::path(
    put, path = "/v1/chats/{chat}/messages/{seq}/reaction", operation_id = "react", tag = "messages",
    params(Key), request_body = ReactionDraft,
    responses(
        (status = 200, body = ChatAnswer), refused::NotMember, refused::NoSuchMessage,
        refused::MessageUnsent,
    ),
)]
pub(in crate::api) async fn react(
    change: Change<ReactionDraft, (ChatId, Seq)>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    let emoji = Some(change.body.emoji.clone());
    set(&gateway, &change, emoji).await
}

/// Takes one's reaction to a message back.
#[utoipa::path(
    delete, path = "/v1/chats/{chat}/messages/{seq}/reaction", operation_id = "take_reaction_back", tag = "messages",
    params(Key),
    responses(
        (status = 200, body = ChatAnswer), refused::NotMember, refused::NoSuchMessage,
        refused::MessageUnsent,
    ),
)]
pub(in crate::api) async fn take_back(
    change: Change<Nothing, (ChatId, Seq)>,
    gateway: Data<Gateway>,
) -> Result<Json<ChatAnswer>, Problem> {
    set(&gateway, &change, None).await
}

async fn set<T>(
    gateway: &Gateway,
    change: &Change<T, (ChatId, Seq)>,
    emoji: Option<String>,
) -> Result<Json<ChatAnswer>, Problem> {
    let (chat, seq) = change.path;
    let react = React { chat, seq, account: change.caller.account, emoji };
    let event = gateway.runtime.ask(react, change.origin()).await?;
    Ok(Json(ChatAnswer { chat, seq: event.seq }))
}
