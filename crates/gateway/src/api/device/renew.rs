//! `POST /v1/token`: the next pair of tokens for a refresh token.

use actix_web::web::{Data, Json};
use denrei_actors::Origin;
use denrei_actors::account::device::renew::Renew;
use denrei_model::wire::account::{Credentials, RenewRequest};

use crate::auth::revoked;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::request::{Asked, Body};
use crate::state::Gateway;
use crate::token::{DeviceToken, TokenKind};

impl Body for RenewRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Gives the next pair of tokens for a refresh token.
///
/// The refresh token is what makes a repeated request a retry; it needs no key. One that was spent ends the device's family.
#[utoipa::path(
    post, path = "/v1/token", operation_id = "renew_tokens", tag = "devices",
    security(()), request_body = RenewRequest,
    responses(
        (status = 200, body = Credentials), refused::Unauthorized, refused::TokenRevoked,
        refused::ForbiddenRealm, refused::NoSuchAccount, refused::NoSuchDevice,
    ),
)]
pub(in crate::api) async fn renew(
    asked: Asked<RenewRequest>,
    gateway: Data<Gateway>,
) -> Result<Json<Credentials>, Problem> {
    let text = asked.body.refresh_token.as_str();
    if text.starts_with("dra_") {
        return Err(Problem::new(Code::ForbiddenRealm).detail("an access token is not a refresh token"));
    }
    let token = DeviceToken::parse(text, TokenKind::Refresh).ok_or_else(unknown)?;
    let (account, device, number) = (token.account, token.device, token.number);
    let row = gateway.device_row(account, device).await?.ok_or_else(unknown)?;
    if !token.is_genuine(&gateway.key, &row.family) {
        return Err(unknown());
    }
    if row.revoked_at != 0 {
        return Err(revoked());
    }
    let renew = Renew { account, device, number, access_for: gateway.access_for() };
    let tokens = gateway.runtime.ask(renew, Origin::unkeyed(account, device)).await?;
    Ok(Json(gateway.credentials(account, device, &tokens)?))
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthorized).detail("the refresh token is not known").with("field", "refresh_token")
}
