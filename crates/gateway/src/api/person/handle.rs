//! `PUT /v1/profile/handle` and `DELETE /v1/profile/handle`: the name under which one can be found.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use denrei_actors::account::profile::ReleaseHandle;
use denrei_actors::name::handle::ClaimHandle;
use denrei_model::operation::Profile;
use denrei_model::wire::account::HandleDraft;

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change, Nothing, handle};
use crate::state::Gateway;

impl Body for HandleDraft {
    fn check(&self) -> Result<(), Problem> {
        handle(&self.handle)
    }
}

/// Takes a handle. The profile shows it a moment later: the operation UPDATE_PROFILE tells when.
#[utoipa::path(
    put, path = "/v1/profile/handle", operation_id = "claim_handle", tag = "people",
    params(Key), request_body = HandleDraft,
    responses(
        (status = 202, body = HandleDraft, description = "It is taken; the profile will show it."),
        refused::HandleMalformed, refused::HandleTaken,
    ),
)]
pub(in crate::api) async fn claim(
    change: Change<HandleDraft>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let claim = ClaimHandle { handle: change.body.handle.clone(), account: change.caller.account };
    gateway.runtime.ask(claim, change.origin()).await?;
    Ok(HttpResponse::Accepted().json(&change.body))
}

/// Gives one's handle back.
#[utoipa::path(
    delete, path = "/v1/profile/handle", operation_id = "release_handle", tag = "people",
    params(Key),
    responses((status = 200, body = Profile), refused::NoSuchAccount),
)]
pub(in crate::api) async fn release(
    change: Change<Nothing>,
    gateway: Data<Gateway>,
) -> Result<Json<Profile>, Problem> {
    let release = ReleaseHandle { account: change.caller.account };
    Ok(Json(gateway.runtime.ask(release, change.origin()).await?))
}
