//! Frames: the lines of a device stream, and the answers of sync and long-poll.

use serde::{Deserialize, Serialize};

use super::Position;
use crate::id::{AccountId, DeviceId, LogId};
use crate::operation::{Category, Operation, Payload};
use crate::position::Revision;
use crate::tag::Tag;

/// One line of a stream: `{"frame": "…", …}` and a line feed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Frame {
    /// First of every stream: who one is, and where the server stands.
    SignOn(SignOn),
    /// The next operations, starting at the stream's position + 1.
    Operations(Operations),
    /// Something that is not in the log, told once.
    Notify(Notify),
    /// Do not replay: take snapshots. Ends the stream.
    FullSync(FullSync),
    /// The stream lives; where the server stands.
    Heartbeat(Heartbeat),
    /// The device opened another stream. This one ends; do not reconnect because of it.
    Replaced,
    /// The node is going: reconnect after this long. Ends the stream.
    Reconnect(Reconnect),
    /// The device was logged out or its tokens revoked. Ends the stream.
    Revoked,
}

/// First frame of a stream.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignOn {
    /// Whose stream it is.
    pub account: AccountId,
    /// Which device's.
    pub device: DeviceId,
    /// Where the server stands.
    pub head: Position,
    /// The server's date, `yyyymmdd`: idempotency keys begin with it.
    pub date: u32,
    /// How often a heartbeat comes when nothing else does.
    pub heartbeat_ms: u64,
}

/// Operations, one revision after the other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operations {
    /// The log they belong to.
    pub log_id: LogId,
    /// At least one.
    pub operations: Vec<Operation>,
    /// Where the server stands; absent on live streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Position>,
}

/// Something told to open streams only.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notify {
    /// As the payload of an operation would be.
    #[serde(flatten)]
    pub payload: Payload,
}

/// Why a device is to take snapshots.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FullSyncReason {
    /// Too far behind, or the log does not reach back that far.
    Gap,
    /// A revision is missing from the stored log.
    Hole,
    /// The device has nothing yet.
    Initialization,
    /// The device says that its store is damaged.
    Corruption,
    /// Another log, another tag, or a client ahead of the server.
    Continuity,
    /// Somebody asked for it.
    Manual,
}

impl FullSyncReason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Gap, Self::Hole, Self::Initialization, Self::Corruption, Self::Continuity, Self::Manual];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Hole => "hole",
            Self::Initialization => "initialization",
            Self::Corruption => "corruption",
            Self::Continuity => "continuity",
            Self::Manual => "manual",
        }
    }
}

/// Take snapshots of these categories, then go on from `position`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FullSync {
    /// Why.
    pub reason: FullSyncReason,
    /// What to fetch.
    pub categories: Vec<Category>,
    /// Where one stands once all of them are stored.
    pub position: Position,
    /// Lifts the limit of 200 for the sync that follows.
    pub resume_token: String,
}

/// The stream lives.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// Where the server stands.
    pub head: Position,
    /// The server's date, `yyyymmdd`.
    pub date: u32,
}

/// The node is going.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reconnect {
    /// How long to wait, so that not all come at once.
    pub after_ms: u64,
}

/// Most operations that one answer holds.
pub const MAX_COUNT: u32 = 1_000;

/// Body of `POST /v1/sync`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// Where the device stands; absent on a device that has nothing.
    #[serde(default)]
    pub position: Option<Position>,
    /// What the device itself asks a FullSync for: `corruption`, `manual` or `initialization`.
    #[serde(default)]
    pub reason: Option<FullSyncReason>,
    /// From the last FullSync.
    #[serde(default)]
    pub resume_token: Option<String>,
    /// Most operations to answer with, 1 to 1,000; 100 if absent.
    #[serde(default)]
    pub count: Option<u32>,
}

/// Answer of `POST /v1/sync` when nothing is missing, and of `POST /v1/ack`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpToDate {
    /// Where the server stands.
    pub head: Position,
}

/// Body of `POST /v1/ack`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AckRequest {
    /// The revision that the device has stored.
    pub revision: Revision,
    /// The tag there.
    pub tag: Tag,
    /// Of which log.
    pub log_id: LogId,
}
