//! What rows hold. Protobuf, tolerant of fields that a newer node adds.

use bytes::Bytes;

use crate::id::{AccountId, ChatId, DeviceId, LogId};
use crate::message::Message;
use crate::operation::{ChatKind, JoinPolicy, Membership, Profile, Read};
use crate::position::{Revision, Seq};
use crate::tag::Tag;

/// What an account is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AccountRow {
    /// When it was registered, milliseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub created_at: u64,
    /// What others see of it.
    #[prost(message, required, tag = "2")]
    pub profile: Profile,
    /// How many accounts learn of its profile.
    #[prost(uint32, tag = "3")]
    pub followers: u32,
    /// How many settings it holds, over all its devices.
    #[prost(uint32, tag = "4")]
    pub settings: u32,
    /// How many devices it has that are not revoked.
    #[prost(uint32, tag = "5")]
    pub devices: u32,
}

/// Where an account's log ends.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HeadRow {
    /// The log as devices see it.
    #[prost(message, required, tag = "1")]
    pub log_id: LogId,
    /// The last revision given.
    #[prost(message, required, tag = "2")]
    pub revision: Revision,
    /// The tag at that revision.
    #[prost(message, required, tag = "3")]
    pub tag: Tag,
    /// The first revision still kept; 0 when none was ever trimmed.
    #[prost(message, required, tag = "4")]
    pub first: Revision,
}

/// One operation of an account's log.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpRow {
    /// The tag of the log that ends with it.
    #[prost(message, required, tag = "1")]
    pub tag: Tag,
    /// A stored operation; the tag is over exactly these bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub stored: Bytes,
}

/// A device and where its tokens stand.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeviceRow {
    /// What its owner calls it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `ios`, `android`, `desktop`, `web` or what the client says.
    #[prost(string, tag = "2")]
    pub platform: String,
    /// When it was registered or linked, milliseconds since the epoch.
    #[prost(uint64, tag = "3")]
    pub created_at: u64,
    /// How many times its tokens were renewed; the number inside the current ones.
    #[prost(uint32, tag = "4")]
    pub number: u32,
    /// Random; the tokens of a device are derived from it and the node's key, so that nothing stored is a token.
    #[prost(bytes = "bytes", tag = "5")]
    pub family: Bytes,
    /// When the current access token ends, milliseconds since the epoch.
    #[prost(uint64, tag = "6")]
    pub access_until: u64,
    /// When the access token before it ends; it is good while the current one is unused.
    #[prost(uint64, tag = "7")]
    pub access_until_before: u64,
    /// The current tokens have been used, so the previous ones are spent.
    #[prost(bool, tag = "8")]
    pub used: bool,
    /// The last day on which it was seen, days since 1970.
    #[prost(uint32, tag = "9")]
    pub seen_day: u32,
    /// When it was logged out or its family revoked, milliseconds since the epoch; 0 while it may come.
    #[prost(uint64, tag = "10")]
    pub revoked_at: u64,
}

/// Somebody who added an account.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FollowerRow {}

/// An account's own standing in a chat, and what it may see there.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AccountChatRow {
    /// 1:1 or group.
    #[prost(message, required, tag = "1")]
    pub kind: ChatKind,
    /// How it stands to the chat.
    #[prost(message, required, tag = "2")]
    pub membership: Membership,
    /// The seq of the event that made it so.
    #[prost(message, required, tag = "3")]
    pub version: Seq,
    /// What it may see, in order, apart from each other; only the last may be open.
    #[prost(message, repeated, tag = "4")]
    pub visible: Vec<Interval>,
    /// The last event of the chat that it has applied.
    #[prost(message, required, tag = "5")]
    pub applied: Seq,
    /// Messages of others received.
    #[prost(uint64, tag = "6")]
    pub n: u64,
    /// Read up to this seq.
    #[prost(message, required, tag = "7")]
    pub read: Seq,
    /// The `n` at the read mark.
    #[prost(uint64, tag = "8")]
    pub read_n: u64,
    /// The other one, in a 1:1 chat.
    #[prost(message, optional, tag = "9")]
    pub peer: Option<AccountId>,
    /// The seq of the last message that it may see.
    #[prost(message, required, tag = "10")]
    pub last_message: Seq,
    /// When that was sent, milliseconds since the epoch: chats are shown by it.
    #[prost(uint64, tag = "11")]
    pub last_at: u64,
}

/// A stretch of a chat: from one seq up to another, both included.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Interval {
    /// The first seq.
    #[prost(message, required, tag = "1")]
    pub from: Seq,
    /// The last one; open while absent.
    #[prost(message, optional, tag = "2")]
    pub to: Option<Seq>,
}

impl Interval {
    /// Whether the seq lies in it.
    #[must_use]
    pub fn contains(&self, seq: Seq) -> bool {
        seq >= self.from && self.to.is_none_or(|to| seq <= to)
    }
}

impl AccountChatRow {
    /// Whether the account may see the event at this seq.
    #[must_use]
    pub fn sees(&self, seq: Seq) -> bool {
        self.visible.iter().any(|interval| interval.contains(seq))
    }

    /// From this seq on the account sees (again).
    pub fn open(&mut self, from: Seq) {
        if self.visible.last().is_none_or(|last| last.to.is_some()) {
            self.visible.push(Interval { from, to: None });
        }
    }

    /// Up to this seq, included, the account has seen; not what follows.
    pub fn close(&mut self, to: Seq) {
        if let Some(last) = self.visible.last_mut().filter(|last| last.to.is_none()) {
            if to < last.from {
                self.visible.pop();
            } else {
                last.to = Some(to);
            }
        }
    }
}

/// The count at one received message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReceivedRow {
    /// Messages of others received, this one included.
    #[prost(uint64, tag = "1")]
    pub n: u64,
}

/// What a chat is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ChatRow {
    /// 1:1 or group.
    #[prost(message, required, tag = "1")]
    pub kind: ChatKind,
    /// Name of a group.
    #[prost(string, tag = "2")]
    pub name: String,
    /// How people come in.
    #[prost(message, required, tag = "3")]
    pub join: JoinPolicy,
    /// The seq of the event that last changed name or join policy.
    #[prost(message, required, tag = "4")]
    pub version: Seq,
    /// The seq of the last event.
    #[prost(message, required, tag = "5")]
    pub last: Seq,
    /// The latest time given to an event, milliseconds since the epoch.
    #[prost(uint64, tag = "6")]
    pub last_at: u64,
}

/// Somebody's standing in a chat.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MemberRow {
    /// How they stand to it.
    #[prost(message, required, tag = "1")]
    pub membership: Membership,
    /// The seq of the event that made it so.
    #[prost(message, required, tag = "2")]
    pub version: Seq,
    /// Up to where they have read.
    #[prost(message, required, tag = "3")]
    pub read: Seq,
}

/// A message of a chat.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageRow {
    /// The message as it is now.
    #[prost(message, required, tag = "1")]
    pub message: Message,
    /// The idempotency key under which it was sent, shown to its sender only.
    #[prost(string, optional, tag = "2")]
    pub key: Option<String>,
    /// The device that sent it.
    #[prost(message, required, tag = "3")]
    pub device: DeviceId,
}

/// What was answered under an idempotency key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnswerRow {
    /// XXH3-64 of the request.
    #[prost(fixed64, tag = "1")]
    pub payload: u64,
    /// The stored answer.
    #[prost(bytes = "bytes", tag = "2")]
    pub answer: Bytes,
}

/// A record on its way from shard to shard.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InboxRow {
    /// A [`crate::record::Record`].
    #[prost(bytes = "bytes", tag = "1")]
    pub record: Bytes,
}

/// A number.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CounterRow {
    /// The number.
    #[prost(uint64, tag = "1")]
    pub value: u64,
}

/// A name that is taken.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NameRow {
    /// By whom.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// Until when, milliseconds since the epoch; 0 for ever.
    #[prost(uint64, tag = "2")]
    pub until: u64,
    /// The device that a link code has been spent on.
    #[prost(message, optional, tag = "3")]
    pub device: Option<DeviceId>,
}

/// Read marks that are still to be told.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DirtyReadsRow {
    /// When they are due, milliseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub due: u64,
    /// The marks, one per account.
    #[prost(message, repeated, tag = "2")]
    pub reads: Vec<Read>,
    /// Which chat; the key has it too.
    #[prost(message, required, tag = "3")]
    pub chat: ChatId,
}

/// A record that could not be applied.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeadLetterRow {
    /// When it was given up, milliseconds since the epoch.
    #[prost(uint64, tag = "1")]
    pub at: u64,
    /// Why.
    #[prost(string, tag = "2")]
    pub reason: String,
    /// The record.
    #[prost(bytes = "bytes", tag = "3")]
    pub record: Bytes,
}
