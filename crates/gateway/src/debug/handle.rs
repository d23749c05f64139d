//! `GET /debug/handles/{handle}`: who has a handle, as the directory has it.

use actix_web::web::{Data, Json, Path};
use denrei_actors::entity::EntityRef;
use denrei_actors::name::handle_name;
use denrei_model::id::AccountId;
use denrei_model::row::NameKey;
use denrei_storage::shard::Fetch;
use serde::Serialize;

use super::Debug;
use super::whereabouts::Whereabouts;
use crate::problem::{Code, Problem};
use crate::request::handle as check_handle;

/// A handle, as its durable row and its shard have it.
#[derive(Serialize)]
pub(super) struct HandlePage {
    handle: String,
    /// Of the name: it has an actor of its own.
    whereabouts: Whereabouts,
    account: AccountId,
}

/// Shows it. Codes that link a device are names too, and cannot be asked for here.
pub(super) async fn show(handle: Path<String>, debug: Data<Debug>) -> Result<Json<HandlePage>, Problem> {
    let handle = handle.into_inner();
    check_handle(&handle)?;
    let name = handle_name(&handle);
    let fetch = Fetch { keys: vec![NameKey { name: name.clone() }.into()], scans: Vec::new() };
    let fetched = debug.gateway.reader.fetch(fetch).await?;
    let account = fetched.row::<NameKey>(0).map(|row| row.account);
    let account = account
        .ok_or_else(|| Problem::new(Code::NotFound).detail(format!("nobody has the handle {handle:?}")))?;
    let whereabouts = Whereabouts::of(&debug, &EntityRef::Name(name)).await;
    Ok(Json(HandlePage { handle, whereabouts, account }))
}
