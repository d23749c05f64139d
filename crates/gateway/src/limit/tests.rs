//! Bursts, rates, and how many keys are kept.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, ManualClock, Timestamp};

use super::limiter::Limiter;
use super::*;

fn clock() -> (Arc<ManualClock>, Arc<dyn Clock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    (Arc::clone(&clock), clock)
}

fn rate(per_minute: u32, burst: u32) -> Rate {
    Rate { per_minute, burst: burst.try_into().unwrap() }
}

#[test]
fn a_burst_passes_at_once_then_one_each_interval() {
    let (time, clock) = clock();
    let limiter = Limiter::new(rate(60, 3), NonZeroUsize::new(10).unwrap(), &clock).unwrap();
    assert_eq!((0..5).filter(|_| limiter.check(&"a").is_ok()).count(), 3);
    assert_eq!(limiter.check(&"a"), Err(Duration::from_secs(1)));
    assert_eq!(limiter.check(&"b"), Ok(()), "another key has its own");
    time.advance(Duration::from_secs(1));
    assert_eq!(limiter.check(&"a"), Ok(()));
    assert!(limiter.check(&"a").is_err());
}

#[test]
fn keys_that_rested_are_forgotten_and_beyond_the_bound_new_ones_wait() {
    let (time, clock) = clock();
    let limiter = Limiter::new(rate(60, 1), NonZeroUsize::new(2).unwrap(), &clock).unwrap();
    assert_eq!(limiter.check(&1), Ok(()));
    assert_eq!(limiter.check(&2), Ok(()));
    assert!(limiter.check(&3).is_err(), "two are remembered, a third is not");
    time.advance(Duration::from_secs(5));
    assert_eq!(limiter.check(&3), Ok(()));
    assert_eq!(limiter.keys(), 1);
}

#[test]
fn addresses_of_one_network_share_a_limit_and_a_limit_can_be_off() {
    let (_, clock) = clock();
    let limits = Limits::new(&LimitOptions { address: rate(1, 1), ..LimitOptions::off() }, &clock);
    let address = |text: &str| Some(text.parse().unwrap());
    assert!(limits.address(address("2001:db8::1")).is_ok());
    let problem = limits.address(address("2001:db8::2")).unwrap_err();
    assert_eq!(problem.code(), Code::RateLimited);
    assert!(limits.address(address("2001:db8:0:1::1")).is_ok());
    assert!(limits.address(address("192.0.2.1")).is_ok());
    assert!(limits.address(address("::ffff:192.0.2.1")).is_err(), "the same address in another form");
    assert!((0..10).all(|_| limits.address(address("127.0.0.1")).is_ok()), "a proxy, or the machine itself");
    let (account, device) = (AccountId::default(), DeviceId::default());
    assert!((0..10_000).all(|_| limits.device(account, device).is_ok()));
}
