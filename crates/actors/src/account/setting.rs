//! Settings, of the account and of each device.

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::person::MAX_SETTINGS;
use denrei_model::operation::{Payload, Setting};
use denrei_model::row::{AccountKey, Change, SettingKey};
use denrei_storage::shard::Fetch;

use super::{Account, draft};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Sets or removes a setting.
#[derive(Clone, Debug)]
pub struct SetSetting {
    /// Whose.
    pub account: AccountId,
    /// Of which device; of the whole account if absent.
    pub device: Option<DeviceId>,
    /// Its name.
    pub key: String,
    /// Its value as JSON text; removed if absent.
    pub value: Option<String>,
}

/// Why it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingRefused {
    /// The account is not registered.
    #[error("no such account")]
    NoAccount,
    /// The account holds as many as it may.
    #[error("an account may hold at most {MAX_SETTINGS} settings")]
    TooMany,
}

impl SetSetting {
    fn row_key(&self) -> SettingKey {
        SettingKey { account: self.account, device: self.device.unwrap_or_default(), key: self.key.clone() }
    }
}

impl Command for SetSetting {
    type Entity = Account;
    type Answer = Setting;
    type Refusal = SettingRefused;
    const NAME: &'static str = "set_setting";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(self.account)
    }

    fn needs(&self) -> Fetch {
        Fetch { keys: vec![self.row_key().into()], scans: Vec::new() }
    }

    fn decide(
        &self,
        state: &Account,
        rows: &Rows,
        facts: &Facts,
    ) -> Result<Decision<Setting>, SettingRefused> {
        let account_row = state.row.as_deref().ok_or(SettingRefused::NoAccount)?;
        let key = self.row_key();
        let known = rows.get(&key);
        let at = |version| Setting {
            device: self.device,
            key: self.key.clone(),
            value: self.value.clone(),
            version,
        };
        match known {
            Some(known) if known.value == self.value => return Ok(Decision::nothing(known.clone())),
            // When it went is not kept: it is not there as of now.
            None if self.value.is_none() => return Ok(Decision::nothing(at(rows.revision(self.account)))),
            _ => {}
        }
        let setting = at(rows.next_revision(self.account));
        let mut account_row = account_row.clone();
        let mut changes = Vec::with_capacity(2);
        match (known.is_some(), self.value.is_some()) {
            (false, true) if account_row.settings as usize >= MAX_SETTINGS => {
                return Err(SettingRefused::TooMany);
            }
            (false, true) => account_row.settings += 1,
            (true, false) => account_row.settings = account_row.settings.saturating_sub(1),
            _ => {}
        }
        if account_row.settings != state.row.as_deref().map_or(0, |row| row.settings) {
            changes.push(Change::put(AccountKey { account: self.account }, account_row));
        }
        changes.push(match self.value {
            Some(_) => Change::put(key, setting.clone()),
            None => Change::delete(key),
        });
        let payload = Payload::UpdateSettings(setting.clone());
        let operations = vec![draft(self.account, facts.now.as_millis(), payload)];
        Ok(Decision { effects: Effects { changes, operations, ..Effects::default() }, answer: setting })
    }
}
