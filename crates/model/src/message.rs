//! What people write to each other: a typed, extensible message.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ChatId};
use crate::position::Seq;

/// One message of a chat, as it is stored and as devices see it.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// The chat that it was sent to.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// Its place in the chat, and its name there.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// Who sent it.
    #[prost(message, required, tag = "3")]
    pub sender: AccountId,
    /// Milliseconds since the epoch; never runs backwards within a chat.
    #[prost(uint64, tag = "4")]
    pub sent_at: u64,
    /// What it says; absent once it was unsent.
    #[prost(oneof = "Content", tags = "16")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The message that it answers.
    #[prost(message, optional, tag = "5")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// Whom it mentions.
    #[prost(message, repeated, tag = "6")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Who reacted how, ordered by account.
    #[prost(message, repeated, tag = "7")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// The seq of the event that unsent it.
    #[prost(message, optional, tag = "8")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<Seq>,
}

impl Message {
    /// Takes back what it says; reactions go with it.
    pub fn blank(&mut self, at: Seq) {
        self.content = None;
        self.reply_to = None;
        self.mentions.clear();
        self.reactions.clear();
        self.unsent = Some(at);
    }
}

/// What a message says. New kinds are new variants; a client that does not know one shows that there is something.
#[derive(Clone, PartialEq, prost::Oneof, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Plain text.
    #[prost(message, tag = "16")]
    Text(Text),
}

/// Plain text of a message.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Text {
    /// 1 to 5,000 characters.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// Longest text of a message, in Unicode scalar values.
pub const MAX_TEXT_CHARS: usize = 5_000;
/// Most people that one message may mention.
pub const MAX_MENTIONS: usize = 20;
/// Longest reaction, in bytes of UTF-8: one emoji with its modifiers.
pub const MAX_REACTION_BYTES: usize = 32;

/// A person named in a text.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// Who is meant.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// Where the name starts in the text, in Unicode scalar values.
    #[prost(uint32, tag = "2")]
    pub index: u32,
    /// How long the name is.
    #[prost(uint32, tag = "3")]
    pub length: u32,
}

/// One person's reaction to a message.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// Who reacted.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// The emoji.
    #[prost(string, tag = "2")]
    pub emoji: String,
    /// The seq of the reaction.
    #[prost(message, required, tag = "3")]
    pub version: Seq,
}
