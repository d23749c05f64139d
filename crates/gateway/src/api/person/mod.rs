//! People: one's own profile, handle and settings; finding others.

pub(super) mod find;
pub(super) mod handle;
pub(super) mod profile;
pub(super) mod setting;

use denrei_model::id::AccountId;
use denrei_model::operation::Profile;
use denrei_model::row::AccountKey;
use denrei_storage::shard::Fetch;

use crate::problem::{Code, Problem};
use crate::state::Gateway;

/// What an account shows of itself.
async fn profile_of(gateway: &Gateway, account: AccountId) -> Result<Profile, Problem> {
    let fetch = Fetch { keys: vec![AccountKey { account }.into()], scans: Vec::new() };
    let fetched = gateway.reader.fetch(fetch).await?;
    let row = fetched.row::<AccountKey>(0).ok_or(Code::NoSuchAccount)?;
    Ok(row.profile.clone())
}
