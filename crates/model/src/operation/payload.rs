//! One variant per type of operation, and the payloads that concern messages.

use serde::{Deserialize, Serialize};

use super::Category;
use super::chat::{ChatChanged, ChatChecked, ChatRead};
use super::contact::{Contact, ContactRemoved};
use super::person::{Profile, Setting};
use crate::id::{AccountId, ChatId, DeviceId};
use crate::message::Message;
use crate::position::Seq;

/// What happened. In JSON `{"type": "SEND_MESSAGE", "payload": {…}}`.
#[derive(Clone, PartialEq, prost::Oneof, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Payload {
    /// I sent a message.
    #[prost(message, tag = "16")]
    SendMessage(MessageSent),
    /// Somebody's message reached me.
    #[prost(message, tag = "17")]
    ReceiveMessage(MessageReceived),
    /// I took a message back.
    #[prost(message, tag = "18")]
    UnsendMessage(MessageUnsent),
    /// Somebody took a message back.
    #[prost(message, tag = "19")]
    NotifiedUnsendMessage(MessageUnsent),
    /// I reacted, or took my reaction back.
    #[prost(message, tag = "20")]
    SendReaction(MessageReacted),
    /// Somebody reacted, or took a reaction back.
    #[prost(message, tag = "21")]
    NotifiedSendReaction(MessageReacted),
    /// I read a chat up to a seq, on one of my devices.
    #[prost(message, tag = "22")]
    SendChatChecked(ChatChecked),
    /// Others read a chat up to a seq.
    #[prost(message, tag = "23")]
    NotifiedReadMessage(ChatRead),
    /// I added somebody.
    #[prost(message, tag = "24")]
    AddContact(Contact),
    /// I changed something about a contact (favourite).
    #[prost(message, tag = "25")]
    UpdateContact(Contact),
    /// I blocked somebody.
    #[prost(message, tag = "26")]
    BlockContact(Contact),
    /// I unblocked somebody.
    #[prost(message, tag = "27")]
    UnblockContact(Contact),
    /// I removed a contact.
    #[prost(message, tag = "28")]
    DeleteContact(ContactRemoved),
    /// Somebody added me.
    #[prost(message, tag = "29")]
    NotifiedAddContact(Contact),
    /// The profile of somebody I know changed.
    #[prost(message, tag = "30")]
    NotifiedUpdateProfile(Contact),
    /// I made a group.
    #[prost(message, tag = "31")]
    CreateChat(ChatChanged),
    /// Somebody was invited: me (then with the chat's whole state), or another.
    #[prost(message, tag = "32")]
    NotifiedInviteIntoChat(ChatChanged),
    /// I invited somebody.
    #[prost(message, tag = "33")]
    InviteIntoChat(ChatChanged),
    /// I accepted an invitation.
    #[prost(message, tag = "34")]
    AcceptChatInvitation(ChatChanged),
    /// Somebody accepted an invitation.
    #[prost(message, tag = "35")]
    NotifiedAcceptChatInvitation(ChatChanged),
    /// I rejected an invitation.
    #[prost(message, tag = "36")]
    RejectChatInvitation(ChatChanged),
    /// Somebody rejected an invitation.
    #[prost(message, tag = "37")]
    NotifiedRejectChatInvitation(ChatChanged),
    /// I joined a group that is open to joining.
    #[prost(message, tag = "38")]
    JoinChat(ChatChanged),
    /// Somebody joined.
    #[prost(message, tag = "39")]
    NotifiedJoinChat(ChatChanged),
    /// I left.
    #[prost(message, tag = "40")]
    DeleteSelfFromChat(ChatChanged),
    /// Somebody left.
    #[prost(message, tag = "41")]
    NotifiedDeleteSelfFromChat(ChatChanged),
    /// I removed somebody, or withdrew an invitation.
    #[prost(message, tag = "42")]
    DeleteOtherFromChat(ChatChanged),
    /// Somebody was removed: me, or another.
    #[prost(message, tag = "43")]
    NotifiedDeleteOtherFromChat(ChatChanged),
    /// I renamed a group, or changed its way of joining.
    #[prost(message, tag = "44")]
    UpdateChat(ChatChanged),
    /// Somebody renamed a group, or changed its way of joining.
    #[prost(message, tag = "45")]
    NotifiedUpdateChat(ChatChanged),
    /// My profile changed.
    #[prost(message, tag = "46")]
    UpdateProfile(Profile),
    /// One of my settings changed.
    #[prost(message, tag = "47")]
    UpdateSettings(Setting),
}

impl Payload {
    /// The category whose state it changes.
    #[must_use]
    pub const fn category(&self) -> Category {
        match self {
            Self::SendMessage(_)
            | Self::ReceiveMessage(_)
            | Self::UnsendMessage(_)
            | Self::NotifiedUnsendMessage(_)
            | Self::SendReaction(_)
            | Self::NotifiedSendReaction(_) => Category::Messages,
            Self::SendChatChecked(_)
            | Self::NotifiedReadMessage(_)
            | Self::CreateChat(_)
            | Self::NotifiedInviteIntoChat(_)
            | Self::InviteIntoChat(_)
            | Self::AcceptChatInvitation(_)
            | Self::NotifiedAcceptChatInvitation(_)
            | Self::RejectChatInvitation(_)
            | Self::NotifiedRejectChatInvitation(_)
            | Self::JoinChat(_)
            | Self::NotifiedJoinChat(_)
            | Self::DeleteSelfFromChat(_)
            | Self::NotifiedDeleteSelfFromChat(_)
            | Self::DeleteOtherFromChat(_)
            | Self::NotifiedDeleteOtherFromChat(_)
            | Self::UpdateChat(_)
            | Self::NotifiedUpdateChat(_) => Category::Chats,
            Self::AddContact(_)
            | Self::UpdateContact(_)
            | Self::BlockContact(_)
            | Self::UnblockContact(_)
            | Self::DeleteContact(_)
            | Self::NotifiedAddContact(_)
            | Self::NotifiedUpdateProfile(_) => Category::Contacts,
            Self::UpdateProfile(_) => Category::Profile,
            Self::UpdateSettings(_) => Category::Settings,
        }
    }

    /// The message that it carries, if it is one sent or received.
    #[must_use]
    pub fn message_mut(&mut self) -> Option<&mut Message> {
        match self {
            Self::SendMessage(sent) => Some(&mut sent.message),
            Self::ReceiveMessage(received) => Some(&mut received.message),
            _ => None,
        }
    }
}

/// My own message, told to all my devices.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageSent {
    /// The message.
    #[prost(message, required, tag = "1")]
    pub message: Message,
    /// The idempotency key under which it was sent, for the device that waits for it.
    #[prost(string, optional, tag = "2")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The device that sent it.
    #[prost(message, required, tag = "3")]
    pub device: DeviceId,
    /// The other one, in a 1:1 chat: enough to show a chat that is new.
    #[prost(message, optional, tag = "4")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<AccountId>,
}

/// A message of somebody else's.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageReceived {
    /// The message.
    #[prost(message, required, tag = "1")]
    pub message: Message,
    /// How many messages of others I have received in this chat, this one included: `unread = n − read_n`.
    #[prost(uint64, tag = "2")]
    pub n: u64,
    /// The sender, in a 1:1 chat: enough to show a chat that is new.
    #[prost(message, optional, tag = "3")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<AccountId>,
}

/// A message taken back: its body is gone wherever it is shown, in the log too.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageUnsent {
    /// The chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// The message taken back.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// The seq of this event.
    #[prost(message, required, tag = "3")]
    pub version: Seq,
}

/// A reaction set, changed or taken back. Object: (chat, seq, account).
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageReacted {
    /// The chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// The message reacted to.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// Who reacted.
    #[prost(message, required, tag = "3")]
    pub account: AccountId,
    /// The emoji; absent when it was taken back.
    #[prost(string, optional, tag = "4")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// The seq of this event.
    #[prost(message, required, tag = "5")]
    pub version: Seq,
}
