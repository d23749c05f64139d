//! A person comes for the first time: an account, its log, its first device.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, LogId};
use denrei_model::operation::Profile;
use denrei_model::position::Revision;
use denrei_model::row::{AccountKey, AccountRow, Change, DeviceKey, HeadKey};
use denrei_storage::shard::Fetch;

use super::{DeviceRefused, MAX_DEVICES, NewDevice, Tokens, needs};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;
use crate::shard::ledger::new_head;

/// Registers an account with a first device. A person who is there already gets the device added.
#[derive(Clone, Debug)]
pub struct Register {
    /// The account, as derived from who the person is.
    pub account: AccountId,
    /// Display name.
    pub name: String,
    /// The device.
    pub device: NewDevice,
}

impl Command for Register {
    type Entity = Account;
    type Answer = Tokens;
    type Refusal = DeviceRefused;
    const NAME: &'static str = "register";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.device.device)
    }

    fn decide(&self, state: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Tokens>, DeviceRefused> {
        let account = self.account;
        let device_key = DeviceKey { account, device: self.device.device };
        if let Some(known) = rows.get(&device_key).filter(|row| row.revoked_at == 0) {
            return Ok(Decision::nothing(Tokens::of(known)));
        }
        let device = self.device.row(facts.now);
        let answer = Tokens::of(&device);
        let mut effects = Effects::default();
        let mut row = match state.row.as_deref() {
            Some(row) => row.clone(),
            None => {
                let log_id = LogId::derived("log", &[account.as_bytes()]);
                effects.changes.push(Change::put(HeadKey { account }, new_head(log_id, Revision::ZERO)));
                let profile = Profile { name: self.name.clone(), ..Profile::default() };
                AccountRow { created_at: facts.now.as_millis(), profile, ..AccountRow::default() }
            }
        };
        if row.devices >= MAX_DEVICES {
            return Err(DeviceRefused::TooMany);
        }
        row.devices += 1;
        effects.changes.push(Change::put(AccountKey { account }, row));
        effects.changes.push(Change::put(device_key, device));
        Ok(Decision { effects, answer })
    }
}
