//! Devices and their tokens: added, renewed, retried, stolen, logged out.

use std::time::Duration;

use denrei_actors::account::device::add::AddDevice;
use denrei_actors::account::device::register::Register;
use denrei_actors::account::device::renew::Renew;
use denrei_actors::account::device::revoke::Revoke;
use denrei_actors::account::device::seen::Seen;
use denrei_actors::account::device::{DeviceRefused, MAX_DEVICES, NewDevice};
use denrei_model::row::{AccountKey, DeviceKey, HeadKey};

use super::desk::{Desk, account, device};

const HOUR: Duration = Duration::from_secs(3_600);

fn new(number: u8) -> NewDevice {
    NewDevice {
        device: device(number),
        name: "phone".to_owned(),
        platform: "ios".to_owned(),
        family: [number; 16],
        access_for: HOUR,
    }
}

fn register(number: u8) -> Register {
    Register { account: account(1), name: "one".to_owned(), device: new(number) }
}

fn renew(number: u32) -> Renew {
    Renew { account: account(1), device: device(1), number, access_for: HOUR }
}

fn seen(number: u32) -> Seen {
    Seen { account: account(1), device: device(1), number }
}

fn registered() -> Desk {
    let mut desk = Desk::with_people(0);
    desk.ask_twice(register(1)).unwrap();
    desk
}

fn devices(desk: &Desk) -> u32 {
    desk.row(AccountKey { account: account(1) }).unwrap().devices
}

#[test]
fn registering_makes_account_log_and_device_and_a_second_time_only_a_device() {
    let mut desk = registered();
    let head = desk.row(HeadKey { account: account(1) }).unwrap();
    assert_eq!((head.revision.get(), devices(&desk)), (0, 1));
    desk.ask(Register { name: "other".to_owned(), ..register(2) }).unwrap();
    assert_eq!((desk.row(HeadKey { account: account(1) }), devices(&desk)), (Some(head), 2));
    assert_eq!(desk.row(AccountKey { account: account(1) }).unwrap().profile.name, "one");
}

#[test]
fn an_account_has_so_many_devices_and_no_more() {
    let mut desk = registered();
    let add = |number| AddDevice { account: account(1), device: new(number) };
    assert_eq!(Desk::with_people(0).ask(add(1)), Err(DeviceRefused::NoAccount));
    for number in 2..=MAX_DEVICES as u8 {
        desk.ask_twice(add(number)).unwrap();
    }
    assert_eq!(desk.ask(add(99)), Err(DeviceRefused::TooMany));
    assert_eq!(desk.ask(register(99)), Err(DeviceRefused::TooMany));
    desk.ask_twice(Revoke { account: account(1), device: device(2) }).unwrap();
    desk.ask(add(99)).unwrap();
}

#[test]
fn renewing_gives_the_next_and_a_retry_the_same_while_it_is_unused() {
    let mut desk = registered();
    assert_eq!(desk.ask(renew(0)).unwrap().number, 1);
    desk.pass(HOUR);
    let retried = desk.ask(renew(0)).unwrap();
    assert_eq!((retried.number, retried.revoked), (1, false));
    assert_eq!(retried.access_until, desk.now.plus(HOUR).as_millis());
    assert_eq!(desk.ask(renew(1)).unwrap().number, 2);
}

#[test]
fn a_spent_token_revokes_the_family() {
    for (spent, used) in [(0, true), (5, false)] {
        let mut desk = registered();
        desk.ask(renew(0)).unwrap();
        if used {
            desk.ask(seen(1)).unwrap();
        }
        assert!(desk.ask(renew(spent)).unwrap().revoked, "{spent}");
        assert_eq!(devices(&desk), 0);
        for number in [1, 2] {
            assert_eq!(desk.ask(renew(number)), Err(DeviceRefused::NoDevice), "nobody gets tokens any more");
        }
    }
}

#[test]
fn being_seen_is_noted_once_a_day_and_once_a_token() {
    let mut desk = registered();
    desk.ask_twice(seen(0)).unwrap();
    desk.pass(24 * HOUR);
    desk.ask_twice(seen(0)).unwrap();
    desk.ask(renew(0)).unwrap();
    desk.ask(seen(0)).unwrap();
    let used = |desk: &Desk| desk.row(DeviceKey { account: account(1), device: device(1) }).unwrap().used;
    assert!(!used(&desk), "an older token spends nothing");
    desk.ask_twice(seen(1)).unwrap();
    assert!(used(&desk));
}

#[test]
fn logging_out_counts_once_and_only_what_is_there() {
    let mut desk = registered();
    let revoke = |number| Revoke { account: account(1), device: device(number) };
    assert_eq!(desk.ask(revoke(9)), Err(DeviceRefused::NoDevice));
    desk.ask_twice(revoke(1)).unwrap();
    assert_eq!(devices(&desk), 0);
    assert_eq!(desk.ask(seen(0)), Err(DeviceRefused::NoDevice));
}
