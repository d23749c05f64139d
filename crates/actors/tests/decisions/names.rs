//! Names that only one may have, and codes good for one device.

use std::time::Duration;

use denrei_actors::account::profile::{ProfileRefused, ReleaseHandle, UpdateProfile};
use denrei_actors::name::handle::{ClaimHandle, HandleRefused};
use denrei_actors::name::link::{LinkRefused, OfferLink, SpendLink};
use denrei_model::operation::{Payload, Profile};
use denrei_model::record::Fact;
use denrei_model::row::{AccountKey, AccountRow, FollowerKey, FollowerRow};

use super::desk::{Desk, account, device};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_handle_belongs_to_the_first_who_claims_it() {
    let claim = |number| ClaimHandle { handle: "tea".to_owned(), account: account(number) };
    let mut desk = Desk::with_people(2);
    desk.ask_twice(claim(1)).unwrap();
    assert!(matches!(desk.facts()[..], [Fact::Handle(fact)] if fact.account == account(1)));
    assert_eq!(desk.ask(claim(2)), Err(HandleRefused::Taken));
}

#[test]
fn a_handle_that_is_given_back_is_told_to_the_directory() {
    let mut desk = Desk::with_people(1);
    let key = AccountKey { account: account(1) };
    let profile = Profile { handle: Some("tea".to_owned()), ..Profile::default() };
    desk.put(key, AccountRow { profile, ..AccountRow::default() });
    let profile = desk.ask_twice(ReleaseHandle { account: account(1) }).unwrap();
    assert_eq!((profile.handle, profile.version.get()), (None, 1));
    assert!(matches!(desk.facts()[..], [Fact::Released(fact)] if fact.handle == "tea"));
    assert_eq!(desk.ask(ReleaseHandle { account: account(9) }), Err(ProfileRefused::NoAccount));
}

#[test]
fn a_code_links_one_device_and_ends() {
    let code = "ABCD".to_owned();
    let mut desk = Desk::with_people(2);
    let spend = |number| SpendLink { code: "ABCD".to_owned(), device: device(number) };
    assert_eq!(desk.ask(spend(1)), Err(LinkRefused::Invalid));
    let until = desk.now.plus(10 * MINUTE);
    desk.ask(OfferLink { code: code.clone(), account: account(1), until }).unwrap();
    assert_eq!(desk.ask(OfferLink { code, account: account(2), until }), Err(LinkRefused::Invalid));
    assert_eq!(desk.ask_twice(spend(1)).unwrap().account, account(1));
    assert_eq!(desk.ask(spend(2)), Err(LinkRefused::Invalid));
    desk.pass(10 * MINUTE);
    assert_eq!(desk.ask(spend(1)), Err(LinkRefused::Invalid));
}

fn update(name: &str) -> UpdateProfile {
    let (picture, status) = (String::new(), "here".to_owned());
    UpdateProfile { account: account(1), name: name.to_owned(), picture, status }
}

#[test]
fn a_new_profile_is_told_to_followers_and_the_same_one_to_nobody() {
    let mut desk = Desk::with_people(2);
    desk.put(FollowerKey { account: account(1), follower: account(2) }, FollowerRow {});
    desk.ask_twice(update("new")).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::UpdateProfile(profile)] if profile.version.get() == 1));
    assert!(matches!(desk.facts()[..], [Fact::Profile(fact)] if fact.followers == [account(2)]));
    let nobody = UpdateProfile { account: account(9), ..update("new") };
    assert_eq!(desk.ask(nobody), Err(ProfileRefused::NoAccount));
}

#[test]
fn above_five_thousand_followers_a_profile_is_fetched_not_told() {
    let mut desk = Desk::with_people(1);
    for (count, told) in [(5_000_u128, 1), (5_001, 0)] {
        for number in 0..count {
            let follower = denrei_model::id::AccountId::from_bytes((number + 10).to_be_bytes());
            desk.put(FollowerKey { account: account(1), follower }, FollowerRow {});
        }
        desk.ask(update(&count.to_string())).unwrap();
        assert_eq!((desk.facts().len(), desk.operations().len()), (told, 1));
    }
}
