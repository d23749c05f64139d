//! The JSON that devices see, one module per part of the surface.
//!
//! Field names are `snake_case`; ids, tags and log ids are strings; times are milliseconds since the epoch. Requests
//! refuse unknown fields; answers may gain fields, which clients must pass over.

pub mod account;
pub mod chat;
pub mod frame;
pub mod message;
pub mod snapshot;

use serde::{Deserialize, Serialize};

use crate::id::LogId;
use crate::position::Revision;
use crate::tag::Tag;

pub use frame::{Frame, FullSync, FullSyncReason};

/// Where a copy of a log stands. Two that are equal hold the same history.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Which log.
    pub log_id: LogId,
    /// Up to which revision.
    pub revision: Revision,
    /// The tag there.
    pub tag: Tag,
}
