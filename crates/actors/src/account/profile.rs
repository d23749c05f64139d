//! The profile, and the handle under which an account can be found.

use std::collections::BTreeMap;

use denrei_model::effects::{Effects, Emit};
use denrei_model::id::AccountId;
use denrei_model::operation::{Payload, Profile};
use denrei_model::record::{Fact, HandleFact, ProfileFact, Record, ReleasedFact};
use denrei_model::row::{AccountKey, AccountRow, Change, FollowerKey, Key, KeyRange};
use denrei_model::shard::{Home, Shard};
use denrei_storage::shard::{Fetch, Scan};

use super::{Account, draft};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::name::handle_name;
use crate::rows::Rows;

/// Up to this many followers learn of a new profile by an operation; above, they fetch it.
const MAX_TOLD: usize = 5_000;

/// Changes what others see of the account.
#[derive(Clone, Debug)]
pub struct UpdateProfile {
    /// Whose.
    pub account: AccountId,
    /// Display name.
    pub name: String,
    /// Address of a picture, or empty.
    pub picture: String,
    /// A line about oneself, or empty.
    pub status: String,
}

/// Gives the handle back.
#[derive(Clone, Debug)]
pub struct ReleaseHandle {
    /// Whose.
    pub account: AccountId,
}

/// Why it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProfileRefused {
    /// The account is not registered.
    #[error("no such account")]
    NoAccount,
}

/// Who learns of a new profile.
pub(super) fn followers(account: AccountId) -> Fetch {
    let key = |follower| FollowerKey { account, follower };
    let range = KeyRange::new(key(AccountId::default()), key(AccountId::MAX));
    Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, MAX_TOLD + 1)] }
}

impl Command for UpdateProfile {
    type Entity = Account;
    type Answer = Profile;
    type Refusal = ProfileRefused;
    const NAME: &'static str = "update_profile";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        followers(self.account)
    }

    fn decide(
        &self,
        state: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<Profile>, ProfileRefused> {
        let row = state.row.as_deref().ok_or(ProfileRefused::NoAccount)?;
        let profile = Profile {
            name: self.name.clone(),
            picture: self.picture.clone(),
            status: self.status.clone(),
            ..row.profile.clone()
        };
        Ok(changed(self.account, row, profile, rows, facts))
    }
}

impl Command for ReleaseHandle {
    type Entity = Account;
    type Answer = Profile;
    type Refusal = ProfileRefused;
    const NAME: &'static str = "release_handle";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        followers(self.account)
    }

    fn decide(
        &self,
        state: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<Profile>, ProfileRefused> {
        let row = state.row.as_deref().ok_or(ProfileRefused::NoAccount)?;
        let profile = Profile { handle: None, ..row.profile.clone() };
        Ok(changed(self.account, row, profile, rows, facts))
    }
}

/// The directory has granted a handle: it is part of the profile now, and the one before it is given back.
pub(super) fn handle_granted(
    fact: &HandleFact,
    row: &AccountRow,
    rows: &Rows,
    facts: &Facts,
    at: u64,
) -> Effects {
    let profile = Profile { handle: Some(fact.handle.clone()), ..row.profile.clone() };
    let facts = Facts { now: denrei_model::Timestamp::from_millis(at), ..*facts };
    changed(fact.account, row, profile, rows, &facts).effects
}

/// A new profile: its row, an operation, word to the followers, and the old handle back to the directory.
fn changed(
    account: AccountId,
    row: &AccountRow,
    mut profile: Profile,
    rows: &Rows,
    facts: &Facts,
) -> Decision<Profile> {
    profile.version = row.profile.version;
    if profile == row.profile {
        return Decision::nothing(profile);
    }
    profile.version = rows.next_revision(account);
    let at = facts.now.as_millis();
    let mut emits = told(account, &profile, rows, facts);
    if let Some(handle) = row.profile.handle.clone().filter(|handle| profile.handle.as_ref() != Some(handle))
    {
        let to = facts.shards.of(&Home::Name(handle_name(&handle)));
        let fact = Fact::Released(ReleasedFact { account, handle });
        emits.push(Emit { to, record: Record { at, fact: Some(fact) } });
    }
    let row = AccountRow { profile: profile.clone(), ..row.clone() };
    let effects = Effects {
        changes: vec![Change::put(AccountKey { account }, row)],
        operations: vec![draft(account, at, Payload::UpdateProfile(profile.clone()))],
        emits,
        notices: Vec::new(),
    };
    Decision { effects, answer: profile }
}

/// One record per shard that holds followers, unless there are too many of them.
fn told(account: AccountId, profile: &Profile, rows: &Rows, facts: &Facts) -> Vec<Emit> {
    let mut by_shard: BTreeMap<Shard, Vec<AccountId>> = BTreeMap::new();
    let mut count = 0;
    for (key, _) in rows.scan::<FollowerKey>(0) {
        if let Key::Follower(key) = key {
            count += 1;
            by_shard.entry(facts.shards.of_account(key.follower)).or_default().push(key.follower);
        }
    }
    if count > MAX_TOLD {
        return Vec::new();
    }
    let emit = |(to, followers)| {
        let fact = Fact::Profile(ProfileFact { account, profile: profile.clone(), followers });
        Emit { to, record: Record { at: facts.now.as_millis(), fact: Some(fact) } }
    };
    by_shard.into_iter().map(emit).collect()
}
