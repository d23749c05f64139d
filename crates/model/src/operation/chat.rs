//! Chats as operations and snapshots carry them: their state, their members, and how far they were read.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ChatId};
use crate::position::Seq;
use crate::word::words;

words!(
    /// What kind of conversation it is.
    ChatKind {
        /// Two people; never renamed, joined or left.
        Direct = 0 "direct",
        /// Up to 500 people.
        Group = 1 "group",
    }
);

words!(
    /// How people come into a group.
    JoinPolicy {
        /// By invitation.
        Invite = 0 "invite",
        /// Anyone who knows the chat's id may join.
        Open = 1 "open",
    }
);

words!(
    /// How somebody stands to a chat.
    Membership {
        /// Not in it: left, removed, rejected, or never there.
        Gone = 0 "gone",
        /// Asked in, has not answered.
        Invited = 1 "invited",
        /// In it.
        Joined = 2 "joined",
    }
);

/// One person's standing in a chat. Object: (chat, account).
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// How they stand to the chat.
    #[prost(message, required, tag = "2")]
    pub membership: Membership,
    /// The seq of the event that made it so.
    #[prost(message, required, tag = "3")]
    pub version: Seq,
    /// Up to where they have read. A version of its own: it only grows.
    #[prost(message, required, tag = "4")]
    pub read: Seq,
}

/// The whole state of a chat, but for its messages.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatState {
    /// Which chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// 1:1 or group.
    #[prost(message, required, tag = "2")]
    pub kind: ChatKind,
    /// The name of a group; empty in a 1:1 chat.
    #[prost(string, tag = "3")]
    pub name: String,
    /// How people come in.
    #[prost(message, required, tag = "4")]
    pub join: JoinPolicy,
    /// The seq of the event that last changed name or join policy.
    #[prost(message, required, tag = "5")]
    pub version: Seq,
    /// Everyone invited or joined, ordered by account.
    #[prost(message, repeated, tag = "6")]
    pub members: Vec<Member>,
}

/// A change of a chat: made, renamed, or of who is in it.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatChanged {
    /// Which chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// The seq of this event: the version of what changed.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// Who did it.
    #[prost(message, required, tag = "3")]
    pub by: AccountId,
    /// Whose standing changed, as it is now.
    #[prost(message, repeated, tag = "4")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// The name and the way of joining as they are now, when this event changed them.
    #[prost(message, optional, tag = "5")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// The whole chat, for those to whom it is new.
    #[prost(message, optional, tag = "6")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ChatState>,
    /// My own standing in the chat, when this event changed it.
    #[prost(message, optional, tag = "7")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// What a group is called and how one comes in. Object: (chat, title).
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Title {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// How people come in.
    #[prost(message, required, tag = "2")]
    pub join: JoinPolicy,
}

/// One account's own standing in a chat: what it may see, what it has received and read.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standing {
    /// How it stands to the chat.
    #[prost(message, required, tag = "1")]
    pub membership: Membership,
    /// The seq of the event that made it so.
    #[prost(message, required, tag = "2")]
    pub version: Seq,
    /// Messages of others received so far.
    #[prost(uint64, tag = "3")]
    pub n: u64,
    /// Read up to this seq.
    #[prost(message, required, tag = "4")]
    pub read: Seq,
    /// The `n` at the read mark: `unread = n − read_n`.
    #[prost(uint64, tag = "5")]
    pub read_n: u64,
    /// The other one, in a 1:1 chat.
    #[prost(message, optional, tag = "6")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<AccountId>,
}

/// I read a chat. Object: (chat, my read mark); its version is the mark itself.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatChecked {
    /// Which chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// Up to which seq.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
    /// How many of the received messages that covers.
    #[prost(uint64, tag = "3")]
    pub read_n: u64,
}

/// Others read a chat. Object: (chat, account, read mark), each versioned by its own value.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatRead {
    /// Which chat.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// The marks that moved.
    #[prost(message, repeated, tag = "2")]
    pub reads: Vec<Read>,
}

/// One person's read mark.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Read {
    /// Whose.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// Up to which seq.
    #[prost(message, required, tag = "2")]
    pub seq: Seq,
}
