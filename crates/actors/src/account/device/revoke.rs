//! A device is logged out, by itself or by another device of the account.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{AccountKey, AccountRow, Change, DeviceKey, DeviceRow};
use denrei_storage::shard::Fetch;

use super::{DeviceRefused, Tokens, needs};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Revokes a device's tokens; its stream ends.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Whose device.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
}

impl Command for Revoke {
    type Entity = Account;
    type Answer = Tokens;
    type Refusal = DeviceRefused;
    const NAME: &'static str = "revoke";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.device)
    }

    fn decide(&self, state: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Tokens>, DeviceRefused> {
        let account = self.account;
        let row = state.row.as_deref().ok_or(DeviceRefused::NoAccount)?;
        let key = DeviceKey { account, device: self.device };
        let device = rows.get(&key).ok_or(DeviceRefused::NoDevice)?;
        if device.revoked_at != 0 {
            return Ok(Decision::nothing(Tokens::of(device)));
        }
        let device = DeviceRow { revoked_at: facts.now.as_millis().max(1), ..device.clone() };
        let row = AccountRow { devices: row.devices.saturating_sub(1), ..row.clone() };
        let answer = Tokens::of(&device);
        let changes = vec![Change::put(AccountKey { account }, row), Change::put(key, device)];
        Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
    }
}
