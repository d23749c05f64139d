//! Operations: what an account must learn of, one revision each.
//!
//! `payload` holds one variant per type, under LINE's names (own action / NOTIFIED to others); `chat`, `contact` and
//! `person` hold the objects that payloads carry. An operation carries the whole state of the smallest object and its
//! version, deletion included, so that a device can apply it idempotently: apply iff newer (Rule C).

pub mod chat;
pub mod contact;
pub mod payload;
pub mod person;

use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use crate::position::Revision;
use crate::tag::Tag;

pub use chat::{
    ChatChanged, ChatChecked, ChatKind, ChatRead, ChatState, JoinPolicy, Member, Membership, Read, Standing,
};
pub use contact::{Contact, ContactRemoved, Relation};
pub use payload::{MessageReacted, MessageReceived, MessageSent, MessageUnsent, Payload};
pub use person::{Profile, Setting};

/// What snapshots serve and repair compares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// One's own profile.
    Profile,
    /// Settings of the account and of its devices.
    Settings,
    /// People one has added or blocked, or who added one.
    Contacts,
    /// Chats with their members and one's place in them.
    Chats,
    /// The newest messages of each chat.
    Messages,
}

impl Category {
    /// All five, in the order in which a client fetches them.
    pub const ALL: [Self; 5] = [Self::Profile, Self::Settings, Self::Contacts, Self::Chats, Self::Messages];

    /// Its name in paths and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Settings => "settings",
            Self::Contacts => "contacts",
            Self::Chats => "chats",
            Self::Messages => "messages",
        }
    }
}

/// An operation as it lies in the log. It never changes once it is stored.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StoredOperation {
    /// Its position in the account's log.
    #[prost(message, required, tag = "1")]
    pub revision: Revision,
    /// Milliseconds since the epoch.
    #[prost(uint64, tag = "2")]
    pub created_at: u64,
    /// What happened; absent only when a newer node wrote a kind that this one does not know.
    #[prost(
        oneof = "Payload",
        tags = "16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47"
    )]
    pub payload: Option<Payload>,
}

impl StoredOperation {
    /// Its stored bytes, and the tag of the log that ends with it.
    #[must_use]
    pub fn seal(&self, previous: Tag) -> (Bytes, Tag) {
        let bytes = Bytes::from(self.encode_to_vec());
        let tag = previous.chain(&bytes);
        (bytes, tag)
    }
}

/// An operation as devices see it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operation {
    /// Its position in the account's log.
    pub revision: Revision,
    /// The tag of the log that ends with it.
    pub tag: Tag,
    /// What a client that does not know the type must fetch again.
    pub category: Category,
    /// Milliseconds since the epoch.
    pub created_at: u64,
    /// `type` and `payload`.
    #[serde(flatten)]
    pub payload: Payload,
}
