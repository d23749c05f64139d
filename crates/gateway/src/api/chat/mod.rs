//! Chats: making groups, who is in them, how far one has read.

pub(super) mod answer;
pub(super) mod create;
pub(super) mod invite;
pub(super) mod join;
pub(super) mod leave;
pub(super) mod read;
pub(super) mod remove;
pub(super) mod show;
pub(super) mod update;

use actix_web::web::Json;
use denrei_actors::Command;
use denrei_actors::chatroom::{ChatEvent, ChatRefused};
use denrei_model::wire::chat::ChatAnswer;

use crate::problem::Problem;
use crate::request::Change;
use crate::state::Gateway;

/// Asks a chat for an event, and answers with its place.
async fn ask<T, P>(
    gateway: &Gateway,
    change: &Change<T, P>,
    command: impl Command<Answer = ChatEvent, Refusal = ChatRefused>,
) -> Result<Json<ChatAnswer>, Problem> {
    let ChatEvent { chat, seq, .. } = gateway.runtime.ask(command, change.origin()).await?;
    Ok(Json(ChatAnswer { chat, seq }))
}
