//! Another account has added this one: it becomes a follower, and a recommendation.

use denrei_model::effects::{Effects, Emit};
use denrei_model::operation::{Contact, Payload, Relation};
use denrei_model::record::{AddedFact, Fact, ProfileFact, Record};
use denrei_model::row::{AccountKey, AccountRow, Change, ContactKey, FollowerKey, FollowerRow};
use denrei_storage::shard::Fetch;

use super::write;
use crate::command::Facts;
use crate::rows::Rows;

pub(in crate::account) fn needs(fact: &AddedFact) -> Fetch {
    let AddedFact { account, by, .. } = *fact;
    let keys = vec![ContactKey { account, other: by }.into(), FollowerKey { account, follower: by }.into()];
    Fetch { keys, scans: Vec::new() }
}

/// Takes the follower up, tells the account unless it blocks them, and answers with the current profile.
pub(in crate::account) fn apply(
    fact: &AddedFact,
    row: &AccountRow,
    rows: &Rows,
    facts: &Facts,
    at: u64,
) -> Effects {
    let AddedFact { account, by, .. } = *fact;
    let known = rows.get(&ContactKey { account, other: by });
    let mut effects = Effects::default();
    if known.is_none_or(|contact| !contact.blocked) {
        let mut contact = known.cloned().unwrap_or(Contact { account: by, ..Contact::default() });
        if contact.relation == Relation::None {
            contact.relation = Relation::Recommended;
        }
        if fact.profile.version > contact.profile.version || known.is_none() {
            contact.profile = fact.profile.clone();
        }
        effects = write(account, contact, rows, at, Payload::NotifiedAddContact);
    }
    let follower = FollowerKey { account, follower: by };
    if rows.get(&follower).is_none() {
        let row = AccountRow { followers: row.followers + 1, ..row.clone() };
        effects.changes.push(Change::put(follower, FollowerRow {}));
        effects.changes.push(Change::put(AccountKey { account }, row));
    }
    let answer = ProfileFact { account, profile: row.profile.clone(), followers: vec![by] };
    let record = Record { at, fact: Some(Fact::Profile(answer)) };
    effects.emits.push(Emit { to: facts.shards.of_account(by), record });
    effects
}
