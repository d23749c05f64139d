//! Another account has removed this one from its contacts.

use denrei_model::effects::Effects;
use denrei_model::record::UnfollowedFact;
use denrei_model::row::{AccountKey, AccountRow, Change, FollowerKey};
use denrei_storage::shard::Fetch;

use crate::rows::Rows;

pub(in crate::account) fn needs(fact: &UnfollowedFact) -> Fetch {
    let key = FollowerKey { account: fact.account, follower: fact.by };
    Fetch { keys: vec![key.into()], scans: Vec::new() }
}

/// It is no follower any more.
pub(in crate::account) fn apply(fact: &UnfollowedFact, row: &AccountRow, rows: &Rows) -> Effects {
    let key = FollowerKey { account: fact.account, follower: fact.by };
    if rows.get(&key).is_none() {
        return Effects::default();
    }
    let row = AccountRow { followers: row.followers.saturating_sub(1), ..row.clone() };
    let changes = vec![Change::delete(key), Change::put(AccountKey { account: fact.account }, row)];
    Effects { changes, ..Effects::default() }
}
