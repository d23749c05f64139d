//! A device renews its tokens.
//!
//! The number of the refresh token presented decides: the current one → the next pair; the one before it while the current
//! pair is unused → a retry, the same pair again; any other → somebody holds a copy, the whole family is revoked
//! (refresh token rotation with reuse detection, RFC 9700 section 4.14.2).

use std::time::Duration;

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{AccountKey, AccountRow, Change, DeviceKey, DeviceRow};
use denrei_storage::shard::Fetch;

use super::{DeviceRefused, Tokens, needs};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Renews the tokens of a device. The refresh token has been checked to be one of this family.
#[derive(Clone, Debug)]
pub struct Renew {
    /// Whose device.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
    /// The number of the refresh token presented.
    pub number: u32,
    /// How long an access token is good.
    pub access_for: Duration,
}

impl Command for Renew {
    type Entity = Account;
    type Answer = Tokens;
    type Refusal = DeviceRefused;
    const NAME: &'static str = "renew";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.device)
    }

    fn decide(&self, state: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Tokens>, DeviceRefused> {
        let key = DeviceKey { account: self.account, device: self.device };
        let row = rows.get(&key).filter(|row| row.revoked_at == 0).ok_or(DeviceRefused::NoDevice)?;
        let now = facts.now.as_millis();
        let mut changes = Vec::with_capacity(2);
        let row = if self.number == row.number {
            DeviceRow {
                number: row.number + 1,
                access_until: facts.now.plus(self.access_for).as_millis(),
                access_until_before: row.access_until,
                used: false,
                ..row.clone()
            }
        } else if self.number + 1 == row.number && !row.used {
            DeviceRow { access_until: facts.now.plus(self.access_for).as_millis(), ..row.clone() }
        } else {
            tracing::warn!(account = %self.account, device = %self.device, "a spent refresh token was used: the family is revoked");
            let account_row = state.row.as_deref().ok_or(DeviceRefused::NoAccount)?;
            let devices = account_row.devices.saturating_sub(1);
            let account_row = AccountRow { devices, ..account_row.clone() };
            changes.push(Change::put(AccountKey { account: self.account }, account_row));
            DeviceRow { revoked_at: now.max(1), ..row.clone() }
        };
        let answer = Tokens::of(&row);
        changes.push(Change::put(key, row));
        Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
    }
}
