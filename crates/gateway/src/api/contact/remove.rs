//! `DELETE /v1/contacts/{account}`: removes somebody. A block stays.

use actix_web::web::{Data, Json};
use denrei_actors::account::contact::remove::RemoveContact;
use denrei_model::id::AccountId;
use denrei_model::wire::account::ContactAnswer;

use crate::openapi::Key;
use crate::problem::Problem;
use crate::request::{Change, Nothing};
use crate::state::Gateway;

/// Removes a contact. A block stays.
#[utoipa::path(
    delete, path = "/v1/contacts/{account}", operation_id = "remove_contact", tag = "contacts",
    params(Key),
    responses((status = 200, body = ContactAnswer)),
)]
pub(in crate::api) async fn remove(
    change: Change<Nothing, AccountId>,
    gateway: Data<Gateway>,
) -> Result<Json<ContactAnswer>, Problem> {
    let remove = RemoveContact { account: change.caller.account, other: change.path };
    let now = gateway.runtime.ask(remove, change.origin()).await?;
    Ok(Json(ContactAnswer { contact: now.contact }))
}
