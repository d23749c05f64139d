//! `POST /v1/logout` and `DELETE /v1/devices/{device}`: a device's tokens end, and its stream.

use actix_web::HttpResponse;
use actix_web::web::Data;
use denrei_actors::account::device::revoke::Revoke;
use denrei_model::id::DeviceId;

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Logs the calling device out: its tokens end, and its stream.
#[utoipa::path(
    post, path = "/v1/logout", operation_id = "log_out", tag = "devices",
    params(Key),
    responses((status = 204), refused::NoSuchAccount, refused::NoSuchDevice),
)]
pub(in crate::api) async fn log_out(
    change: Change<Nothing>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let device = change.caller.device;
    end(&gateway, &change, device).await
}

/// Logs a device of one's own account out: its tokens end, and its stream.
#[utoipa::path(
    delete, path = "/v1/devices/{device}", operation_id = "revoke_device", tag = "devices",
    params(Key),
    responses((status = 204), refused::NoSuchAccount, refused::NoSuchDevice),
)]
pub(in crate::api) async fn revoke(
    change: Change<Nothing, DeviceId>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let device = change.path;
    end(&gateway, &change, device).await
}

async fn end<P>(
    gateway: &Gateway,
    change: &Change<Nothing, P>,
    device: DeviceId,
) -> Result<HttpResponse, Problem> {
    let account = change.caller.account;
    gateway.runtime.ask(Revoke { account, device }, change.origin()).await?;
    Ok(HttpResponse::NoContent().finish())
}
