//! `PUT` and `DELETE` of `/v1/contacts/{account}/block`: whether somebody's 1:1 messages reach one.

use actix_web::web::{Data, Json};
use denrei_actors::account::contact::block::SetBlock;
use denrei_model::id::AccountId;
use denrei_model::wire::account::ContactAnswer;

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Blocks somebody: their 1:1 messages do not reach one.
#[utoipa::path(
    put, path = "/v1/contacts/{account}/block", operation_id = "block_contact", tag = "contacts",
    params(Key),
    responses((status = 200, body = ContactAnswer), refused::NoSuchAccount, refused::Oneself),
)]
pub(in crate::api) async fn block(
    change: Change<Nothing, AccountId>,
    gateway: Data<Gateway>,
) -> Result<Json<ContactAnswer>, Problem> {
    set(&gateway, &change, true).await
}

/// Lets somebody's 1:1 messages through again.
#[utoipa::path(
    delete, path = "/v1/contacts/{account}/block", operation_id = "unblock_contact", tag = "contacts",
    params(Key),
    responses((status = 200, body = ContactAnswer), refused::NoSuchAccount, refused::Oneself),
)]
pub(in crate::api) async fn unblock(
    change: Change<Nothing, AccountId>,
    gateway: Data<Gateway>,
) -> Result<Json<ContactAnswer>, Problem> {
    set(&gateway, &change, false).await
}

async fn set(
    gateway: &Gateway,
    change: &Change<Nothing, AccountId>,
    blocked: bool,
) -> Result<Json<ContactAnswer>, Problem> {
    let set = SetBlock { account: change.caller.account, other: change.path, blocked };
    let now = gateway.runtime.ask(set, change.origin()).await?;
    Ok(Json(ContactAnswer { contact: now.contact }))
}
