//! What the operator may set about limits.

use std::num::{NonZeroU32, NonZeroUsize};

use serde::Deserialize;

/// A rate, and how much may come at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many in a minute, once the burst is used up; 0 turns the limit off.
    pub per_minute: u32,
    /// How many at once after a rest. At least one.
    pub burst: NonZeroU32,
}

impl Rate {
    const fn new(per_minute: u32, burst: u32) -> Self {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Self { per_minute, burst }
    }

    /// No limit.
    pub const OFF: Self = Self::new(0, 1);
}

/// Limits of the gateway. None reloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitOptions {
    /// Requests of one device. Default 6,000 a minute (100 a second), 200 at once.
    pub device: Rate,
    /// Messages of one sender, over all its devices. Default 3,000 a minute (50 a second), 100 at once.
    pub sender: Rate,
    /// Registrations, links and renewals from one address (IPv6: one /64); loopback has no limit. Default
    /// 600 a minute, 100 at once.
    pub address: Rate,
    /// Devices, senders and addresses that are remembered at once, each kind; beyond it all new ones have to wait.
    /// Default 1,000,000.
    pub max_keys: NonZeroUsize,
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            device: Rate::new(6_000, 200),
            sender: Rate::new(3_000, 100),
            address: Rate::new(600, 100),
            max_keys: NonZeroUsize::MIN.saturating_add(999_999),
        }
    }
}

impl LimitOptions {
    /// No limits at all: for load tests.
    #[must_use]
    pub fn off() -> Self {
        Self { device: Rate::OFF, sender: Rate::OFF, address: Rate::OFF, ..Self::default() }
    }
}
