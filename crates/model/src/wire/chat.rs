//! Chats: making them, who is in them, reading them.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ChatId};
use crate::operation::JoinPolicy;
use crate::position::Seq;

/// Body of `POST /v1/chats`. Needs an `Idempotency-Key`: the chat's id is made of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChatDraft {
    /// Name of the group, 1 to 100 characters.
    pub name: String,
    /// Who is invited, up to 499.
    pub invite: Vec<AccountId>,
    /// How people come in; by invitation if absent.
    #[serde(default)]
    pub join: JoinPolicy,
}

/// Body of `PATCH /v1/chats/{chat}`: what is absent stays.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChatPatch {
    /// New name, 1 to 100 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// New way of joining.
    #[serde(default)]
    pub join: Option<JoinPolicy>,
}

/// Body of `POST /v1/chats/{chat}/invitations`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// Who is asked in, 1 to 499.
    pub accounts: Vec<AccountId>,
}

/// Answer of every call that made an event in a chat.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAnswer {
    /// Which chat.
    pub chat: ChatId,
    /// The seq of the event; that of the last one if the call changed nothing.
    pub seq: Seq,
}

/// Body of `PUT /v1/chats/{chat}/read`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// Up to which seq; one that the account has not received yet is taken as the last that it has.
    pub seq: Seq,
}

/// Answer of `PUT /v1/chats/{chat}/read`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadAnswer {
    /// Which chat.
    pub chat: ChatId,
    /// Where the mark stands now.
    pub seq: Seq,
    /// Messages received and not read.
    pub unread: u64,
}
