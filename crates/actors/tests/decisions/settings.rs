//! Settings: of the account and of each device, so many and no more.

use denrei_actors::account::setting::{SetSetting, SettingRefused};
use denrei_model::operation::Payload;
use denrei_model::operation::person::MAX_SETTINGS;
use denrei_model::row::AccountKey;

use super::desk::{Desk, account, device};

fn set(on: Option<u8>, key: &str, value: Option<&str>) -> SetSetting {
    SetSetting {
        account: account(1),
        device: on.map(device),
        key: key.to_owned(),
        value: value.map(str::to_owned),
    }
}

fn count(desk: &Desk) -> u32 {
    desk.row(AccountKey { account: account(1) }).unwrap().settings
}

#[test]
fn a_setting_of_the_account_and_of_a_device_are_two() {
    let mut desk = Desk::with_people(1);
    desk.ask_twice(set(None, "theme", Some("1"))).unwrap();
    desk.ask_twice(set(Some(1), "theme", Some("2"))).unwrap();
    assert_eq!(count(&desk), 2);
    let changed = desk.ask_twice(set(None, "theme", Some("3"))).unwrap();
    assert_eq!((count(&desk), changed.version.get()), (2, 3));
}

#[test]
fn a_setting_that_is_removed_is_told_without_a_value() {
    let mut desk = Desk::with_people(1);
    desk.ask(set(None, "theme", Some("1"))).unwrap();
    desk.ask(set(None, "theme", None)).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::UpdateSettings(setting)] if setting.value.is_none()));
    assert_eq!(count(&desk), 0);
    let nothing = desk.ask(set(None, "theme", None)).unwrap();
    assert!(desk.effects.is_empty());
    assert_eq!((nothing.value, nothing.version.get()), (None, 2), "as of the last revision that there is");
}

#[test]
fn there_are_so_many_settings_and_no_more() {
    let mut desk = Desk::with_people(1);
    for number in 0..MAX_SETTINGS {
        desk.ask(set(None, &number.to_string(), Some("1"))).unwrap();
    }
    assert_eq!(desk.ask(set(None, "more", Some("1"))), Err(SettingRefused::TooMany));
    desk.ask(set(None, "0", Some("2"))).unwrap();
    desk.ask(set(None, "0", None)).unwrap();
    desk.ask(set(Some(1), "more", Some("1"))).unwrap();
    let nobody = SetSetting { account: account(9), ..set(None, "k", Some("1")) };
    assert_eq!(desk.ask(nobody), Err(SettingRefused::NoAccount));
}
