//! A device was seen: noted once for each renewal of its tokens and once a day, never per request.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{Change, DeviceKey, DeviceRow};
use denrei_storage::shard::Fetch;

use super::{DeviceRefused, Tokens, needs};
use crate::account::Account;
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// The access token of this number was used.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whose device.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
    /// The number of the token.
    pub number: u32,
}

impl Command for Seen {
    type Entity = Account;
    type Answer = Tokens;
    type Refusal = DeviceRefused;
    const NAME: &'static str = "seen";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        needs(self.account, self.device)
    }

    fn decide(&self, _: &Account, rows: &Rows, facts: &Facts) -> Result<Decision<Tokens>, DeviceRefused> {
        let key = DeviceKey { account: self.account, device: self.device };
        let row = rows.get(&key).filter(|row| row.revoked_at == 0).ok_or(DeviceRefused::NoDevice)?;
        let today = facts.now.day().number();
        let used = row.used || self.number == row.number;
        if used == row.used && row.seen_day == today {
            return Ok(Decision::nothing(Tokens::of(row)));
        }
        let row = DeviceRow { used, seen_day: today, ..row.clone() };
        let answer = Tokens::of(&row);
        Ok(Decision {
            effects: Effects { changes: vec![Change::put(key, row)], ..Effects::default() },
            answer,
        })
    }
}
