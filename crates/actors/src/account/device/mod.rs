//! Devices of an account and their tokens.
//!
//! A device's tokens are derived from the node's key, its `family` (random, stored) and a number that counts renewals. The
//! gateway derives and checks them; here it is decided which number is current, what a repeated renewal is, and when a
//! family is revoked.

pub mod add;
pub mod register;
pub mod renew;
pub mod revoke;
pub mod seen;

use std::time::Duration;

use bytes::Bytes;
use denrei_model::clock::Timestamp;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{DeviceKey, DeviceRow};
use denrei_storage::shard::Fetch;

/// Most devices of one account that are not logged out.
pub const MAX_DEVICES: u32 = 20;

/// A device that is to be added.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its id.
    pub device: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// Its platform.
    pub platform: String,
    /// Random; what its tokens are derived from.
    pub family: [u8; 16],
    /// How long an access token is good.
    pub access_for: Duration,
}

impl NewDevice {
    fn row(&self, now: Timestamp) -> DeviceRow {
        DeviceRow {
            name: self.name.clone(),
            platform: self.platform.clone(),
            created_at: now.as_millis(),
            family: Bytes::copy_from_slice(&self.family),
            access_until: now.plus(self.access_for).as_millis(),
            seen_day: now.day().number(),
            ..DeviceRow::default()
        }
    }
}

/// Where a device's tokens stand.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tokens {
    /// Random; what the tokens are derived from.
    #[prost(bytes = "bytes", tag = "1")]
    pub family: Bytes,
    /// The number of the current ones.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// When the current access token ends, milliseconds since the epoch.
    #[prost(uint64, tag = "3")]
    pub access_until: u64,
    /// An older token was used again: the family has been revoked, nobody gets tokens.
    #[prost(bool, tag = "4")]
    pub revoked: bool,
}

impl Tokens {
    fn of(row: &DeviceRow) -> Self {
        Self {
            family: row.family.clone(),
            number: row.number,
            access_until: row.access_until,
            revoked: row.revoked_at != 0,
        }
    }
}

/// Why something about a device is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeviceRefused {
    /// The account is not registered.
    #[error("no such account")]
    NoAccount,
    /// The account has no such device, or it was logged out.
    #[error("no such device")]
    NoDevice,
    /// The account has as many devices as it may.
    #[error("an account may have at most {MAX_DEVICES} devices")]
    TooMany,
}

fn needs(account: AccountId, device: DeviceId) -> Fetch {
    Fetch { keys: vec![DeviceKey { account, device }.into()], scans: Vec::new() }
}
