//! `PUT /v1/contacts/{account}`: adds somebody, and sets whether they are a favourite.

use actix_web::web::{Data, Json};
use denrei_actors::account::contact::put::PutContact;
use denrei_model::id::AccountId;
use denrei_model::wire::account::{ContactAnswer, ContactDraft};

use crate::openapi::{Key, refused};
use crate::problem::Problem;
use crate::request::{Body, Change};
use crate::state::Gateway;

impl Body for ContactDraft {
    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Adds somebody, and sets whether they are a favourite.
#[utoipa::path(
    put, path = "/v1/contacts/{account}", operation_id = "put_contact", tag = "contacts",
    params(Key), request_body = Option<ContactDraft>,
    responses((status = 200, body = ContactAnswer), refused::NoSuchAccount, refused::Oneself),
)]
pub(in crate::api) async fn put(
    change: Change<ContactDraft, AccountId>,
    gateway: Data<Gateway>,
) -> Result<Json<ContactAnswer>, Problem> {
    let put =
        PutContact { account: change.caller.account, other: change.path, favorite: change.body.favorite };
    let now = gateway.runtime.ask(put, change.origin()).await?;
    Ok(Json(ContactAnswer { contact: now.contact }))
}
