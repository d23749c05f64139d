//! Records: what one shard tells another through the inbox. Facts already decided, never requests that may be refused.

use crate::id::{AccountId, ChatId, DeviceId};
use crate::message::Message;
use crate::operation::{ChatChanged, ChatRead, ChatState, MessageReacted, MessageUnsent, Profile};
use crate::position::Seq;
use crate::word::words;

/// One record.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// When it was decided, milliseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub at: u64,
    /// What happened; absent only when a newer node wrote a kind that this one does not know.
    #[prost(oneof = "Fact", tags = "16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26")]
    pub fact: Option<Fact>,
}

/// What happened, and whom it concerns on the destination shard.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Fact {
    /// A chat has a new message.
    #[prost(message, tag = "16")]
    Message(MessageFact),
    /// A message was taken back.
    #[prost(message, tag = "17")]
    Unsent(UnsentFact),
    /// Somebody reacted.
    #[prost(message, tag = "18")]
    Reacted(ReactedFact),
    /// A chat was made, renamed, entered or left.
    #[prost(message, tag = "19")]
    Chat(ChatFact),
    /// Read marks moved: to be told to members.
    #[prost(message, tag = "20")]
    Read(ReadFact),
    /// A member has read: told to the chat.
    #[prost(message, tag = "21")]
    Mark(MarkFact),
    /// An account was added by another.
    #[prost(message, tag = "22")]
    Added(AddedFact),
    /// An account is followed no more.
    #[prost(message, tag = "23")]
    Unfollowed(UnfollowedFact),
    /// A profile as it is now.
    #[prost(message, tag = "24")]
    Profile(ProfileFact),
    /// A handle was granted to an account.
    #[prost(message, tag = "25")]
    Handle(HandleFact),
    /// A handle is given back.
    #[prost(message, tag = "26")]
    Released(ReleasedFact),
}

/// A chat has a new message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageFact {
    /// The message.
    #[prost(message, required, tag = "1")]
    pub message: Message,
    /// The members who live on the destination shard.
    #[prost(message, repeated, tag = "2")]
    pub members: Vec<AccountId>,
    /// Key of the sender's request.
    #[prost(string, optional, tag = "3")]
    pub key: Option<String>,
    /// Device of the sender.
    #[prost(message, required, tag = "4")]
    pub device: DeviceId,
    /// The two of a 1:1 chat; empty for a group.
    #[prost(message, repeated, tag = "5")]
    pub pair: Vec<AccountId>,
}

/// A message was taken back.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UnsentFact {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub unsent: MessageUnsent,
    /// By whom.
    #[prost(message, required, tag = "2")]
    pub by: AccountId,
    /// The members who live on the destination shard.
    #[prost(message, repeated, tag = "3")]
    pub members: Vec<AccountId>,
}

/// Somebody reacted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReactedFact {
    /// How.
    #[prost(message, required, tag = "1")]
    pub reacted: MessageReacted,
    /// The members who live on the destination shard.
    #[prost(message, repeated, tag = "2")]
    pub members: Vec<AccountId>,
}

words!(
    /// What kind of change a chat saw.
    ChatFactKind {
        /// Made, its first members invited.
        Created = 0 "created",
        /// People were invited.
        Invited = 1 "invited",
        /// Somebody accepted an invitation.
        Accepted = 2 "accepted",
        /// Somebody rejected an invitation.
        Rejected = 3 "rejected",
        /// Somebody joined.
        Joined = 4 "joined",
        /// Somebody left.
        Left = 5 "left",
        /// Somebody was removed.
        Removed = 6 "removed",
        /// Name or join policy changed.
        Updated = 7 "updated",
    }
);

/// A chat was made, renamed, entered or left.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChatFact {
    /// What kind of change.
    #[prost(message, required, tag = "1")]
    pub kind: ChatFactKind,
    /// The change, without a receiver's own parts.
    #[prost(message, required, tag = "2")]
    pub changed: ChatChanged,
    /// The members who live on the destination shard, and those who were until now.
    #[prost(message, repeated, tag = "3")]
    pub members: Vec<AccountId>,
    /// The whole chat, for those among them to whom it is new.
    #[prost(message, optional, tag = "4")]
    pub state: Option<ChatState>,
}

/// Read marks moved.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadFact {
    /// The marks.
    #[prost(message, required, tag = "1")]
    pub read: ChatRead,
    /// The members who live on the destination shard.
    #[prost(message, repeated, tag = "2")]
    pub members: Vec<AccountId>,
    /// Told to open streams only, without an operation: the chat is large.
    #[prost(bool, tag = "3")]
    pub ephemeral: bool,
}

/// A member has read.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MarkFact {
    /// Where.
    #[prost(message, required, tag = "1")]
    pub chat: ChatId,
    /// Who.
    #[prost(message, required, tag = "2")]
    pub account: AccountId,
    /// Up to where.
    #[prost(message, required, tag = "3")]
    pub seq: Seq,
}

/// An account was added by another.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AddedFact {
    /// Who was added.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// By whom.
    #[prost(message, required, tag = "2")]
    pub by: AccountId,
    /// The profile of the one who added.
    #[prost(message, required, tag = "3")]
    pub profile: Profile,
}

/// An account is followed no more.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UnfollowedFact {
    /// Who was followed.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// By whom.
    #[prost(message, required, tag = "2")]
    pub by: AccountId,
}

/// A profile as it is now.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProfileFact {
    /// Whose.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// The profile.
    #[prost(message, required, tag = "2")]
    pub profile: Profile,
    /// Followers who live on the destination shard.
    #[prost(message, repeated, tag = "3")]
    pub followers: Vec<AccountId>,
}

/// A handle was granted to an account.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HandleFact {
    /// To whom.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// Which.
    #[prost(string, tag = "2")]
    pub handle: String,
}

/// A handle is given back.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReleasedFact {
    /// By whom.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// Which.
    #[prost(string, tag = "2")]
    pub handle: String,
}
