//! `GET /v1/profile` and `PUT /v1/profile`: what others see of one.

use actix_web::web::{Data, Json};
use denrei_actors::account::profile::UpdateProfile;
use denrei_model::operation::Profile;
use denrei_model::operation::person::{MAX_NAME_CHARS, MAX_PICTURE_BYTES, MAX_STATUS_CHARS};
use denrei_model::wire::account::ProfileDraft;

use super::profile_of;
use crate::auth::Caller;
use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Fault, text};
use crate::state::Gateway;

impl Body for ProfileDraft {
    fn check(&self) -> Result<(), Problem> {
        text("name", &self.name, 1, MAX_NAME_CHARS)?;
        text("status", &self.status, 0, MAX_STATUS_CHARS)?;
        let web = self.picture.starts_with("https://") || self.picture.starts_with("http://");
        let plain = self.picture.len() <= MAX_PICTURE_BYTES
            && self.picture.bytes().all(|byte| byte.is_ascii_graphic());
        if self.picture.is_empty() || (web && plain) {
            return Ok(());
        }
        Err(Fault::new(
            "picture",
            format!("an http(s) address of at most {MAX_PICTURE_BYTES} bytes, or nothing"),
        )
        .into())
    }
}

/// Shows one's own profile.
#[utoipa::path(
    get, path = "/v1/profile", operation_id = "own_profile", tag = "people",
    responses((status = 200, body = Profile), refused::NoSuchAccount),
)]
pub(in crate::api) async fn own(caller: Caller, gateway: Data<Gateway>) -> Result<Json<Profile>, Problem> {
    Ok(Json(profile_of(&gateway, caller.account).await?))
}

/// Changes one's profile: all of it but the handle.
#[utoipa::path(
    put, path = "/v1/profile", operation_id = "update_profile", tag = "people",
    params(Key), request_body = ProfileDraft,
    responses((status = 200, body = Profile), refused::NoSuchAccount),
)]
pub(in crate::api) async fn update(
    change: Change<ProfileDraft>,
    gateway: Data<Gateway>,
) -> Result<Json<Profile>, Problem> {
    let ProfileDraft { name, picture, status } = change.body.clone();
    let update = UpdateProfile { account: change.caller.account, name, picture, status };
    Ok(Json(gateway.runtime.ask(update, change.origin()).await?))
}
