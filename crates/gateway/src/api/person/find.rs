//! `GET /v1/people/{account}` and `GET /v1/handles/{handle}`: somebody else.

use actix_web::web::{Data, Json, Path};
use denrei_actors::name::handle_name;
use denrei_model::id::AccountId;
use denrei_model::row::NameKey;
use denrei_model::wire::account::Person;
use denrei_storage::shard::Fetch;

use super::profile_of;
use crate::auth::Caller;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::request::handle as check_handle;
use crate::state::Gateway;

/// Finds somebody by account id.
#[utoipa::path(
    get, path = "/v1/people/{account}", operation_id = "find_person", tag = "people",
    responses((status = 200, body = Person), refused::NoSuchAccount),
)]
pub(in crate::api) async fn by_id(
    _: Caller,
    account: Path<AccountId>,
    gateway: Data<Gateway>,
) -> Result<Json<Person>, Problem> {
    person(&gateway, *account).await
}

/// Finds somebody by the handle that they have set.
#[utoipa::path(
    get, path = "/v1/handles/{handle}", operation_id = "find_handle", tag = "people",
    responses((status = 200, body = Person), refused::HandleMalformed, refused::NoSuchAccount),
)]
pub(in crate::api) async fn by_handle(
    _: Caller,
    handle: Path<String>,
    gateway: Data<Gateway>,
) -> Result<Json<Person>, Problem> {
    check_handle(&handle)?;
    let key = NameKey { name: handle_name(&handle) };
    let fetched = gateway.reader.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await?;
    let named = fetched.row::<NameKey>(0).ok_or(Code::NoSuchAccount)?;
    person(&gateway, named.account).await
}

async fn person(gateway: &Gateway, account: AccountId) -> Result<Json<Person>, Problem> {
    Ok(Json(Person { account, profile: profile_of(gateway, account).await? }))
}
