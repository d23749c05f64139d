//! Link codes: shown by a device that is signed in, typed on a new one, good for one device and a short time.

use denrei_model::clock::Timestamp;
use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{Change, NameKey, NameRow};
use denrei_storage::shard::Fetch;

use super::handle::Named;
use super::{Name, link_name};
use crate::command::{Command, Decision, Facts};
use crate::entity::EntityRef;
use crate::rows::Rows;

/// Offers a code.
#[derive(Clone, Debug)]
pub struct OfferLink {
    /// The code.
    pub code: String,
    /// Whose account the new device will belong to.
    pub account: AccountId,
    /// Until when it is good.
    pub until: Timestamp,
}

/// Spends a code on a device. Spending it again on the same device is a retry.
#[derive(Clone, Debug)]
pub struct SpendLink {
    /// The code.
    pub code: String,
    /// The new device.
    pub device: DeviceId,
}

/// Why a code is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkRefused {
    /// Unknown, over, or spent on another device: which of them is not told.
    #[error("the code is not valid")]
    Invalid,
}

impl Command for OfferLink {
    type Entity = Name;
    type Answer = Named;
    type Refusal = LinkRefused;
    const NAME: &'static str = "offer_link";

    fn entity(&self) -> EntityRef {
        EntityRef::Name(link_name(&self.code))
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Name, _: &Rows, facts: &Facts) -> Result<Decision<Named>, LinkRefused> {
        if state.row.as_ref().is_some_and(|row| row.until > facts.now.as_millis()) {
            return Err(LinkRefused::Invalid);
        }
        let row = NameRow { account: self.account, until: self.until.as_millis(), device: None };
        let changes = vec![Change::put(NameKey { name: state.name.clone() }, row)];
        let answer = Named { account: self.account };
        Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
    }
}

impl Command for SpendLink {
    type Entity = Name;
    type Answer = Named;
    type Refusal = LinkRefused;
    const NAME: &'static str = "spend_link";

    fn entity(&self) -> EntityRef {
        EntityRef::Name(link_name(&self.code))
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, state: &Name, _: &Rows, facts: &Facts) -> Result<Decision<Named>, LinkRefused> {
        let row =
            state.row.as_ref().filter(|row| row.until > facts.now.as_millis()).ok_or(LinkRefused::Invalid)?;
        let answer = Named { account: row.account };
        match row.device {
            Some(device) if device == self.device => Ok(Decision::nothing(answer)),
            Some(_) => Err(LinkRefused::Invalid),
            None => {
                let row = NameRow { device: Some(self.device), ..row.clone() };
                let changes = vec![Change::put(NameKey { name: state.name.clone() }, row)];
                Ok(Decision { effects: Effects { changes, ..Effects::default() }, answer })
            }
        }
    }
}
