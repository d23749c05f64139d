//! Contacts: added, marked, blocked, removed.

use denrei_actors::account::contact::ContactRefused;
use denrei_actors::account::contact::block::SetBlock;
use denrei_actors::account::contact::put::PutContact;
use denrei_actors::account::contact::remove::RemoveContact;
use denrei_model::operation::{Payload, Relation};
use denrei_model::record::Fact;
use denrei_model::row::ContactKey;

use super::desk::{Desk, account};

fn put(other: u8, favorite: bool) -> PutContact {
    PutContact { account: account(1), other: account(other), favorite }
}

fn block(other: u8, blocked: bool) -> SetBlock {
    SetBlock { account: account(1), other: account(other), blocked }
}

fn remove(other: u8) -> RemoveContact {
    RemoveContact { account: account(1), other: account(other) }
}

fn held(desk: &Desk) -> Option<(Relation, bool, bool)> {
    let contact = desk.row(ContactKey { account: account(1), other: account(2) })?;
    Some((contact.relation, contact.favorite, contact.blocked))
}

#[test]
fn nobody_knows_themselves_or_whom_there_is_not() {
    let mut desk = Desk::with_people(1);
    assert_eq!(desk.ask(put(1, false)), Err(ContactRefused::Oneself));
    assert_eq!(desk.ask(block(1, true)), Err(ContactRefused::Oneself));
    assert_eq!(desk.ask(put(9, false)), Err(ContactRefused::NoSuchAccount));
    assert_eq!(desk.ask(block(9, true)), Err(ContactRefused::NoSuchAccount));
}

#[test]
fn who_is_added_is_told_once_and_a_favourite_is_an_update() {
    let mut desk = Desk::with_people(2);
    let now = desk.ask_twice(put(2, false)).unwrap().contact.unwrap();
    assert_eq!((now.profile.name.as_str(), now.version.get()), ("person 2", 1));
    assert!(matches!(desk.operations()[..], [Payload::AddContact(_)]));
    assert!(matches!(desk.facts()[..], [Fact::Added(_)]));
    desk.ask_twice(put(2, true)).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::UpdateContact(_)]));
    assert!(desk.facts().is_empty());
    assert_eq!(held(&desk), Some((Relation::Added, true, false)));
}

#[test]
fn a_block_needs_no_contact_and_leaves_none_behind() {
    let mut desk = Desk::with_people(2);
    desk.ask_twice(block(2, true)).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::BlockContact(_)]));
    assert!(desk.facts().is_empty(), "the one who is blocked is not told");
    assert_eq!(held(&desk), Some((Relation::None, false, true)));
    let now = desk.ask(block(2, false)).unwrap();
    assert_eq!((held(&desk), now.contact), (None, None));
    assert!(matches!(desk.operations()[..], [Payload::UnblockContact(_)]));
    desk.ask(block(2, false)).unwrap();
    assert!(desk.effects.is_empty());
}

#[test]
fn a_block_outlives_the_contact() {
    let mut desk = Desk::with_people(2);
    desk.ask(put(2, true)).unwrap();
    desk.ask(block(2, true)).unwrap();
    desk.ask_twice(remove(2)).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::UpdateContact(contact)] if contact.blocked));
    assert!(matches!(desk.facts()[..], [Fact::Unfollowed(_)]));
    assert_eq!(held(&desk), Some((Relation::None, false, true)));
}

#[test]
fn who_is_removed_is_gone_with_a_version() {
    let mut desk = Desk::with_people(2);
    desk.ask(put(2, false)).unwrap();
    desk.ask_twice(remove(2)).unwrap();
    assert!(matches!(desk.operations()[..], [Payload::DeleteContact(gone)] if gone.version.get() == 2));
    assert_eq!(held(&desk), None);
    desk.ask(remove(9)).unwrap();
    assert!(desk.effects.is_empty(), "whom one does not know one need not forget");
}
