//! How an access token stands against the row of its device. The rules of numbers are those of
//! [`denrei_actors::account::device::renew`].

use denrei_model::clock::Timestamp;
use denrei_model::row::DeviceRow;

use crate::token::{DeviceToken, TokenKey};

/// How a token stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It is good.
    Good,
    /// The node did not make it.
    Foreign,
    /// The device was logged out.
    Revoked,
    /// Its time is over.
    Ended,
    /// A newer one has been used.
    Superseded,
}

/// How this token stands at this moment. Whoever has no genuine token learns nothing of the device.
pub(super) fn of(token: &DeviceToken, row: &DeviceRow, key: &TokenKey, now: Timestamp) -> Standing {
    if !token.is_genuine(key, &row.family) {
        return Standing::Foreign;
    }
    if row.revoked_at != 0 {
        return Standing::Revoked;
    }
    let until = if token.number == row.number {
        row.access_until
    } else if Some(token.number) == row.number.checked_sub(1) && !row.used {
        row.access_until_before
    } else {
        return Standing::Superseded;
    };
    if now.as_millis() < until { Standing::Good } else { Standing::Ended }
}
