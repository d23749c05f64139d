//! `POST /v1/messages`: a message to a person or a chat.

use actix_web::web::{Data, Json};
use denrei_actors::chatroom::send::Send;
use denrei_model::id::ChatId;
use denrei_model::message::{Content, MAX_MENTIONS, MAX_TEXT_CHARS, Mention, Text};
use denrei_model::wire::message::{MessageDraft, Recipient, SendAnswer, SendRequest};

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Fault, text};
use crate::state::Gateway;

impl Body for SendRequest {
    fn check(&self) -> Result<(), Problem> {
        let MessageDraft::Text { text: said, mentions, .. } = &self.message;
        text("message.text", said, 1, MAX_TEXT_CHARS)?;
        if mentions.len() > MAX_MENTIONS {
            return Err(Fault::new("message.mentions", format!("at most {MAX_MENTIONS}")).into());
        }
        let length = said.chars().count();
        let outside = |mention: &&Mention| {
            let end = (mention.index as usize).saturating_add(mention.length as usize);
            mention.length == 0 || end > length
        };
        match mentions.iter().find(outside) {
            Some(_) => Err(Fault::new("message.mentions", "an `index` and `length` within the text").into()),
            None => Ok(()),
        }
    }
}

/// Sends a message to a person or a chat. Answered when it is durable.
#[utoipa::path(
    post, path = "/v1/messages", operation_id = "send_message", tag = "messages",
    params(Key), request_body = SendRequest,
    responses(
        (status = 200, body = SendAnswer), refused::NotMember, refused::NoSuchAccount,
        refused::NoSuchMessage, refused::MentionNotMember, refused::Oneself,
    ),
)]
pub(in crate::api) async fn send(
    change: Change<SendRequest>,
    gateway: Data<Gateway>,
) -> Result<Json<SendAnswer>, Problem> {
    let caller = change.caller;
    gateway.limits.sender(caller.account)?;
    let (chat, peer) = match change.body.to {
        Recipient::Account(peer) => (ChatId::direct(caller.account, peer), Some(peer)),
        Recipient::Chat(chat) => (chat, None),
    };
    let MessageDraft::Text { text, reply_to, mentions } = change.body.message.clone();
    let send = Send {
        chat,
        peer,
        sender: caller.account,
        device: caller.device,
        key: change.key().map(|key| key.as_str().to_owned()),
        content: Content::Text(Text { text }),
        reply_to,
        mentions,
    };
    let sent = gateway.runtime.ask(send, change.origin()).await?;
    Ok(Json(SendAnswer { chat, seq: sent.seq, sent_at: sent.at }))
}
