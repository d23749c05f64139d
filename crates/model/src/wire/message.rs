//! Messages: sending them, taking them back, reacting, history.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ChatId};
use crate::message::{Mention, Message};
use crate::position::Seq;

/// Body of `POST /v1/messages`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// An account (1:1), or a chat.
    pub to: Recipient,
    /// What to say.
    pub message: MessageDraft,
}

/// Whom a message is for: the id's first letter says which kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Recipient {
    /// One person.
    Account(AccountId),
    /// A chat that one is in.
    Chat(ChatId),
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        text.parse().map(Self::Chat).map_err(|_| {
            serde::de::Error::custom(
                "expected an account (`U` and 32 hex digits) or a chat (`C` and 32 hex digits)",
            )
        })
    }
}

/// A message that is still to be sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MessageDraft {
    /// Plain text.
    Text {
        /// 1 to 5,000 characters.
        text: String,
        /// The message of this chat that it answers; one that the sender may see. It may have been taken back.
        #[serde(default)]
        reply_to: Option<Seq>,
        /// Whom it mentions, up to 20; they must be in the chat.
        #[serde(default)]
        mentions: Vec<Mention>,
    },
}

/// Answer of `POST /v1/messages`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendAnswer {
    /// The chat.
    pub chat: ChatId,
    /// The message's place in it.
    pub seq: Seq,
    /// When it was taken, milliseconds since the epoch.
    pub sent_at: u64,
}

/// Body of `PUT /v1/chats/{chat}/messages/{seq}/reaction`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReactionDraft {
    /// One emoji, at most 32 bytes of UTF-8.
    pub emoji: String,
}

/// A message with what only its sender is shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryMessage {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// The idempotency key under which it was sent, on one's own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Most messages that a page of a chat's history holds.
pub const MAX_HISTORY: usize = 100;

/// A page of a chat's history, newest last.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct History {
    /// Which chat.
    pub chat: ChatId,
    /// The messages that one may see, by seq.
    pub messages: Vec<HistoryMessage>,
    /// From this seq on, up to where the page ends, nothing that one may see is left out.
    pub complete_from: Seq,
}
