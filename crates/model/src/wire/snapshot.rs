//! Snapshots of the five categories. A page that says position R holds, for every operation up to R in that category,
//! its effect or a later one (Rule S).

use serde::{Deserialize, Serialize};

use super::Position;
use super::message::History;
use crate::operation::{Category, ChatState, Contact, Profile, Setting, Standing};
use crate::position::Seq;

/// Most items that a page of any category holds: settings and contacts.
pub const MAX_ITEMS: usize = 1_000;
/// Most chats that a page holds.
pub const MAX_CHATS: usize = 200;
/// Most chats whose messages a page holds.
pub const MAX_HISTORIES: usize = 50;

/// A page of `GET /v1/snapshots/{category}`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotPage<T> {
    /// Which category.
    pub category: Category,
    /// Where the account's log stood when the page was read.
    pub position: Position,
    /// What is in it, ordered by immutable id.
    pub items: Vec<T>,
    /// For `?after=` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The one item of category `profile`.
pub type ProfileItem = Profile;
/// An item of category `settings`.
pub type SettingItem = Setting;
/// An item of category `contacts`.
pub type ContactItem = Contact;
/// An item of category `messages`: the newest 100 messages of one chat.
pub type MessagesItem = History;

/// An item of category `chats`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatItem {
    /// The chat and its members.
    #[serde(flatten)]
    pub state: ChatState,
    /// One's own standing in it.
    pub standing: Standing,
    /// The last message that one may see; 0 if none.
    pub last_message: Seq,
    /// When that was sent.
    pub last_at: u64,
}
