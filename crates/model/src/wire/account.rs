//! Registration, devices, tokens, profile, contacts, settings.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, DeviceId};
use crate::operation::{Contact, Profile, Setting};

/// Longest name of a device, in Unicode scalar values.
pub const MAX_DEVICE_NAME_CHARS: usize = 100;
/// Longest name of a platform, in Unicode scalar values.
pub const MAX_PLATFORM_CHARS: usize = 32;
/// Longest id that an operator's own system may give a person, in Unicode scalar values.
pub const MAX_EXTERNAL_ID_CHARS: usize = 256;
/// Shortest handle, in bytes.
pub const MIN_HANDLE_BYTES: usize = 3;
/// Longest handle, in bytes.
pub const MAX_HANDLE_BYTES: usize = 30;
/// Letters and digits of a code that links a device.
pub const LINK_CODE_CHARS: usize = 8;
/// Longest way of typing such a code, with spaces and hyphens.
pub const MAX_TYPED_CODE_CHARS: usize = 32;

/// A device as it introduces itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeviceDraft {
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// `ios`, `android`, `desktop`, `web` …, 1 to 32 characters.
    pub platform: String,
}

/// Body of `POST /v1/register`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Display name, 1 to 100 characters.
    pub name: String,
    /// The first device.
    pub device: DeviceDraft,
    /// The operator's own login token, where registration is by `jwt`.
    #[serde(default)]
    pub token: Option<String>,
    /// The operator's own id of the person, 1 to 256 characters, where registration is by `server` (an admin call).
    #[serde(default)]
    pub external_id: Option<String>,
}

/// What a device is told once: who it is, and its tokens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// For `POST /v1/token`.
    pub refresh_token: String,
}

/// Body of `POST /v1/token`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// The newest refresh token that the device has.
    pub refresh_token: String,
}

/// Answer of `POST /v1/devices/link-code`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkCode {
    /// To be typed on the new device.
    pub code: String,
    /// When it ends.
    pub expires_at: u64,
}

/// Body of `POST /v1/devices/link`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// The code shown by a device that is signed in: 8 letters and digits; up to 32 with spaces and hyphens, as people type it.
    pub code: String,
    /// The new device.
    pub device: DeviceDraft,
}

/// A device of one's own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Which.
    pub device: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// Its platform.
    pub platform: String,
    /// When it came.
    pub created_at: u64,
    /// The last day on which it was seen, `yyyymmdd`.
    pub last_seen: u32,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Answer of `GET /v1/devices`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// Those that are not logged out.
    pub devices: Vec<Device>,
}

/// Body of `PUT /v1/profile`: the whole profile, but for the handle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileDraft {
    /// Display name, 1 to 100 characters.
    pub name: String,
    /// Address of a picture (http or https), at most 2,000 bytes; none if empty.
    #[serde(default)]
    pub picture: String,
    /// A line about oneself, at most 500 characters.
    #[serde(default)]
    pub status: String,
}

/// Body of `PUT /v1/profile/handle`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HandleDraft {
    /// 3 to 30 of a–z, 0–9, `_` and `.`, starting with a letter.
    pub handle: String,
}

/// Somebody, as found by id or handle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Who.
    pub account: AccountId,
    /// What they show of themselves.
    pub profile: Profile,
}

/// Body of `PUT /v1/contacts/{account}`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ContactDraft {
    /// Mark as a favourite.
    #[serde(default)]
    pub favorite: bool,
}

/// Answer of the calls that change a contact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactAnswer {
    /// The contact as it is now; absent when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
}

/// Body of `PUT /v1/settings/{key}` and `PUT /v1/device-settings/{key}`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingDraft {
    /// Any JSON, up to 8 KiB.
    pub value: serde_json::Value,
}

/// Answer of the calls that change a setting.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingAnswer {
    /// The setting as it is now.
    pub setting: Setting,
}
