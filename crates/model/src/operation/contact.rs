//! Contacts as operations and snapshots carry them.

use serde::{Deserialize, Serialize};

use super::person::Profile;
use crate::id::AccountId;
use crate::position::Revision;
use crate::word::words;

words!(
    /// How a contact came to be.
    Relation {
        /// Not added; the row stands only for a block.
        None = 0 "none",
        /// I added them.
        Added = 1 "added",
        /// They added me, and I have not answered.
        Recommended = 2 "recommended",
    }
);

/// One account's relation to another. Object: (account).
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// The other one.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// How it came to be.
    #[prost(message, required, tag = "2")]
    pub relation: Relation,
    /// Marked as a favourite.
    #[prost(bool, tag = "3")]
    pub favorite: bool,
    /// Blocked: their 1:1 messages do not reach me.
    #[prost(bool, tag = "4")]
    pub blocked: bool,
    /// Their profile as last learnt; its version is the revision of its owner.
    #[prost(message, required, tag = "5")]
    pub profile: Profile,
    /// The revision of my log at which this contact last changed.
    #[prost(message, required, tag = "6")]
    pub version: Revision,
}

/// A contact removed.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactRemoved {
    /// Who is no contact any more.
    #[prost(message, required, tag = "1")]
    pub account: AccountId,
    /// The revision of my log at which it was removed.
    #[prost(message, required, tag = "2")]
    pub version: Revision,
}
