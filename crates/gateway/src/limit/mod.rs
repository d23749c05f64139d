//! Rate limits: per device, per sender, per address. Over the limit a request is told `rate_limited`, and when to come again.
//!
//! Governor's generic cell rate algorithm, on the gateway's own clock: a burst at once, then a steady rate.

mod limiter;
mod options;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use denrei_model::clock::Clock;
use denrei_model::id::{AccountId, DeviceId};

pub use options::{LimitOptions, Rate};

use crate::problem::{Code, Problem};
use limiter::Limiter;

/// The limits of a node.
#[derive(Clone)]
pub struct Limits(Arc<Limiters>);

struct Limiters {
    device: Option<Limiter<(AccountId, DeviceId)>>,
    sender: Option<Limiter<AccountId>>,
    address: Option<Limiter<IpAddr>>,
}

impl Limits {
    /// Limits as the operator has set them.
    #[must_use]
    pub fn new(options: &LimitOptions, clock: &Arc<dyn Clock>) -> Self {
        Self(Arc::new(Limiters {
            device: Limiter::new(options.device, options.max_keys, clock),
            sender: Limiter::new(options.sender, options.max_keys, clock),
            address: Limiter::new(options.address, options.max_keys, clock),
        }))
    }

    /// One more request of a device.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn device(&self, account: AccountId, device: DeviceId) -> Result<(), Problem> {
        check(self.0.device.as_ref(), &(account, device), "too many requests of this device")
    }

    /// One more message of a sender.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn sender(&self, account: AccountId) -> Result<(), Problem> {
        check(self.0.sender.as_ref(), &account, "too many messages of this sender")
    }

    /// One more registration, link or renewal from an address. Requests without one come from within the process; those from
    /// loopback are of this machine, or of everybody behind a proxy on it, whom one limit would make pay for each other.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn address(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let Some(address) = address.filter(|address| !address.to_canonical().is_loopback()) else {
            return Ok(());
        };
        check(self.0.address.as_ref(), &network(address), "too many attempts from this address")
    }
}

fn check<K>(limiter: Option<&Limiter<K>>, key: &K, detail: &str) -> Result<(), Problem>
where
    K: std::hash::Hash + Eq + Clone,
{
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check(key).map_err(|wait| Problem::new(Code::RateLimited).detail(detail).retry_after(wait))
}

/// What one customer of a provider usually has: an IPv4 address, or the first 64 bits of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}
