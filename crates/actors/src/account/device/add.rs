//! A further device of a person who is there already.

use denrei_model::effects::Effects;
use denrei_model::id::AccountId;
use denrei_model::row::{AccountKey, AccountRow, Change, DeviceKey};
use denrei_storage::shard::Fetch;

use super::{DeviceRefused, MAX_DEVICES, NewDevice, Tokens, needs};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Adds a device.
#[derive(Clone, Debug)]
pub struct AddDevice {
    /// Whose.
    pub account: AccountId,
    /// The device.
    pub device: NewDevice,
}

impl Command for AddDevice {
    type Entity = Account;
    type Answer = Tokens;
    type Refusal = DeviceRefused;
    const NAME: &'static str = "add_device";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.device.device)
    }

    fn decide(&self, state: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Tokens>, DeviceRefused> {
        let account = self.account;
        let row = state.row.as_deref().ok_or(DeviceRefused::NoAccount)?;
        let key = DeviceKey { account, device: self.device.device };
        if let Some(known) = rows.get(&key).filter(|row| row.revoked_at == 0) {
            return Ok(Decision::nothing(Tokens::of(known)));
        }
        if row.devices >= MAX_DEVICES {
            return Err(DeviceRefused::TooMany);
        }
        let row = AccountRow { devices: row.devices + 1, ..row.clone() };
        let device = self.device.row(facts.now);
        let answer = Tokens::of(&device);
        let changes = vec![Change::put(AccountKey { account }, row), Change::put(key, device)];
        Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
    }
}
