//! What belongs to a person: profile and settings.

use serde::{Deserialize, Serialize};

use crate::id::DeviceId;
use crate::position::Revision;

/// What others see of an account. Object: the account; its version is the owner's revision.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// Display name, 1 to 100 characters.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Address of a picture, or empty.
    #[prost(string, tag = "2")]
    #[serde(default)]
    pub picture: String,
    /// A line about oneself, or empty.
    #[prost(string, tag = "3")]
    #[serde(default)]
    pub status: String,
    /// The name under which the account can be found, if it has one.
    #[prost(string, optional, tag = "4")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The owner's revision at which it last changed.
    #[prost(message, required, tag = "5")]
    pub version: Revision,
}

/// Longest display name of a person or group, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 100;
/// Longest status line, in Unicode scalar values.
pub const MAX_STATUS_CHARS: usize = 500;
/// Longest address of a picture, in bytes.
pub const MAX_PICTURE_BYTES: usize = 2_000;
/// Longest name of a setting, in bytes.
pub const MAX_SETTING_KEY_BYTES: usize = 128;
/// Longest value of a setting, as JSON, in bytes.
pub const MAX_SETTING_BYTES: usize = 8_192;
/// Most settings that one account may hold, over all its devices.
pub const MAX_SETTINGS: usize = 1_000;

/// One setting. Object: (device or account, key).
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setting {
    /// The device it belongs to; absent for one of the whole account.
    #[prost(message, optional, tag = "1")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub key: String,
    /// Its value as JSON text; absent when it was removed.
    #[prost(string, optional, tag = "3")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The revision of the account's log at which it last changed.
    #[prost(message, required, tag = "4")]
    pub version: Revision,
}
