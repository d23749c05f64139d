//! `PUT` and `DELETE` of `/v1/settings/{key}` and `/v1/device-settings/{key}`: settings of the account and of the device.

use actix_web::web::{Data, Json};
use denrei_actors::account::setting::SetSetting;
use denrei_model::id::DeviceId;
use denrei_model::operation::person::{MAX_SETTING_BYTES, MAX_SETTING_KEY_BYTES};
use denrei_model::wire::account::{SettingAnswer, SettingDraft};

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Fault, Nothing};
use crate::state::Gateway;

impl Body for SettingDraft {
    fn check(&self) -> Result<(), Problem> {
        if self.value.to_string().len() > MAX_SETTING_BYTES {
            return Err(Fault::new("value", format!("JSON of at most {MAX_SETTING_BYTES} bytes")).into());
        }
        Ok(())
    }
}

/// Sets a setting of the account.
#[utoipa::path(
    put, path = "/v1/settings/{key}", operation_id = "set_setting", tag = "people",
    params(Key), request_body = SettingDraft,
    responses((status = 200, body = SettingAnswer), refused::NoSuchAccount, refused::TooManySettings),
)]
pub(in crate::api) async fn set(
    change: Change<SettingDraft, String>,
    gateway: Data<Gateway>,
) -> Result<Json<SettingAnswer>, Problem> {
    let value = Some(change.body.value.to_string());
    write(&gateway, &change, None, value).await
}

/// Removes a setting of the account.
#[utoipa::path(
    delete, path = "/v1/settings/{key}", operation_id = "clear_setting", tag = "people",
    params(Key),
    responses((status = 200, body = SettingAnswer), refused::NoSuchAccount),
)]
pub(in crate::api) async fn clear(
    change: Change<Nothing, String>,
    gateway: Data<Gateway>,
) -> Result<Json<SettingAnswer>, Problem> {
    write(&gateway, &change, None, None).await
}

/// Sets a setting of the calling device.
#[utoipa::path(
    put, path = "/v1/device-settings/{key}", operation_id = "set_device_setting", tag = "people",
    params(Key), request_body = SettingDraft,
    responses((status = 200, body = SettingAnswer), refused::NoSuchAccount, refused::TooManySettings),
)]
pub(in crate::api) async fn set_device(
    change: Change<SettingDraft, String>,
    gateway: Data<Gateway>,
) -> Result<Json<SettingAnswer>, Problem> {
    let value = Some(change.body.value.to_string());
    write(&gateway, &change, Some(change.caller.device), value).await
}

/// Removes a setting of the calling device.
#[utoipa::path(
    delete, path = "/v1/device-settings/{key}", operation_id = "clear_device_setting", tag = "people",
    params(Key),
    responses((status = 200, body = SettingAnswer), refused::NoSuchAccount),
)]
pub(in crate::api) async fn clear_device(
    change: Change<Nothing, String>,
    gateway: Data<Gateway>,
) -> Result<Json<SettingAnswer>, Problem> {
    write(&gateway, &change, Some(change.caller.device), None).await
}

async fn write<T>(
    gateway: &Gateway,
    change: &Change<T, String>,
    device: Option<DeviceId>,
    value: Option<String>,
) -> Result<Json<SettingAnswer>, Problem> {
    let key = &change.path;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if key.is_empty() || key.len() > MAX_SETTING_KEY_BYTES || !key.bytes().all(plain) {
        let expected = format!("1 to {MAX_SETTING_KEY_BYTES} of A–Z, a–z, 0–9, `.`, `_` and `-`");
        return Err(Fault::new("key", expected).into());
    }
    let set = SetSetting { account: change.caller.account, device, key: key.clone(), value };
    Ok(Json(SettingAnswer { setting: gateway.runtime.ask(set, change.origin()).await? }))
}
