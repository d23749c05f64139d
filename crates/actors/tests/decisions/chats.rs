//! Groups: made, entered, left, renamed.

use denrei_actors::chatroom::answer::Answer;
use denrei_actors::chatroom::create::Create;
use denrei_actors::chatroom::invite::Invite;
use denrei_actors::chatroom::join::Join;
use denrei_actors::chatroom::leave::Leave;
use denrei_actors::chatroom::remove::Remove;
use denrei_actors::chatroom::update::Update;
use denrei_actors::chatroom::{ChatRefused, MAX_MEMBERS};
use denrei_model::id::AccountId;
use denrei_model::operation::{JoinPolicy, Membership};
use denrei_model::position::Seq;
use denrei_model::record::{ChatFactKind, Fact};
use denrei_model::row::{AccountKey, AccountRow, ChatKey, MemberKey};

use super::desk::{Desk, account, chat};

fn create(invite: Vec<AccountId>) -> Create {
    Create { chat: chat(), creator: account(1), name: "tea".to_owned(), join: JoinPolicy::Invite, invite }
}

/// 1 is in, 2 is asked in, 3 and 4 are strangers.
fn group() -> Desk {
    let mut desk = Desk::with_people(4);
    desk.ask(create(vec![account(2)])).unwrap();
    desk
}

fn standing(desk: &Desk, number: u8) -> Option<Membership> {
    desk.row(MemberKey { chat: chat(), account: account(number) }).map(|row| row.membership)
}

fn answer(number: u8, accept: bool) -> Answer {
    Answer { chat: chat(), account: account(number), accept }
}

fn invite(by: u8, number: u8) -> Invite {
    Invite { chat: chat(), by: account(by), accounts: vec![account(number)] }
}

fn update(by: u8, name: Option<&str>, join: Option<JoinPolicy>) -> Update {
    Update { chat: chat(), by: account(by), name: name.map(str::to_owned), join }
}

fn told(desk: &Desk) -> (ChatFactKind, usize) {
    let [Fact::Chat(fact)] = desk.facts()[..] else { panic!("{:?}", desk.effects.emits) };
    (fact.kind, fact.members.len())
}

#[test]
fn whoever_makes_a_group_is_in_it_and_others_are_asked_once() {
    let mut desk = Desk::with_people(2);
    let made = desk.ask(create(vec![account(2), account(1), account(2)])).unwrap();
    assert_eq!(made.seq, Seq::new(1));
    assert_eq!(
        (standing(&desk, 1), standing(&desk, 2)),
        (Some(Membership::Joined), Some(Membership::Invited))
    );
    assert_eq!(told(&desk), (ChatFactKind::Created, 2));
    assert_eq!(desk.ask(create(vec![])), Err(ChatRefused::Exists));
}

#[test]
fn nobody_is_asked_in_who_does_not_exist_and_not_too_many() {
    let mut desk = Desk::with_people(1);
    assert_eq!(desk.ask(create(vec![account(9)])), Err(ChatRefused::NoAccount(account(9))));
    let crowd: Vec<AccountId> =
        (0..MAX_MEMBERS as u128).map(|n| AccountId::from_bytes((n + 1_000).to_be_bytes())).collect();
    for account in &crowd {
        desk.put(AccountKey { account: *account }, AccountRow::default());
    }
    assert_eq!(desk.ask(create(crowd.clone())), Err(ChatRefused::TooMany));
    desk.ask(create(crowd[1..].to_vec())).unwrap();
    assert_eq!(
        desk.ask(Invite { chat: chat(), by: account(1), accounts: vec![crowd[0]] }),
        Err(ChatRefused::TooMany)
    );
}

#[test]
fn an_invitation_is_accepted_or_rejected_by_whom_it_is_for() {
    let mut desk = group();
    assert_eq!(desk.ask(answer(3, true)), Err(ChatRefused::NotInvited));
    desk.ask_twice(answer(2, true)).unwrap();
    assert_eq!(standing(&desk, 2), Some(Membership::Joined));
    assert_eq!(desk.ask(answer(2, false)), Err(ChatRefused::NotInvited));
    let mut desk = group();
    desk.ask(answer(2, false)).unwrap();
    assert_eq!((standing(&desk, 2), told(&desk)), (None, (ChatFactKind::Rejected, 2)));
    assert_eq!(desk.ask(answer(2, true)), Err(ChatRefused::NotInvited));
}

#[test]
fn members_invite_and_those_who_are_there_are_passed_over() {
    let mut desk = group();
    assert_eq!(desk.ask(invite(2, 3)), Err(ChatRefused::NotMember), "asked in is not in");
    assert_eq!(desk.ask(invite(1, 9)), Err(ChatRefused::NoAccount(account(9))));
    desk.ask_twice(invite(1, 3)).unwrap();
    assert_eq!((standing(&desk, 3), told(&desk)), (Some(Membership::Invited), (ChatFactKind::Invited, 3)));
}

#[test]
fn one_joins_a_group_that_is_open_or_that_asked() {
    let join = |number| Join { chat: chat(), account: account(number) };
    let mut desk = group();
    assert_eq!(desk.ask(join(3)), Err(ChatRefused::NotOpen));
    desk.ask_twice(join(2)).unwrap();
    desk.ask(update(1, None, Some(JoinPolicy::Open))).unwrap();
    desk.ask_twice(join(3)).unwrap();
    assert_eq!(
        (standing(&desk, 2), standing(&desk, 3)),
        (Some(Membership::Joined), Some(Membership::Joined))
    );
    assert_eq!(Desk::with_people(1).ask(join(1)), Err(ChatRefused::NotMember), "there is no such chat");
}

#[test]
fn only_who_is_in_can_leave_or_remove_and_nobody_removes_themselves() {
    let leave = |number| Leave { chat: chat(), account: account(number) };
    let remove = |by, number| Remove { chat: chat(), by: account(by), account: account(number) };
    let mut desk = group();
    assert_eq!(desk.ask(leave(2)), Err(ChatRefused::NotMember));
    assert_eq!(desk.ask(remove(2, 1)), Err(ChatRefused::NotMember));
    assert_eq!(desk.ask(remove(1, 1)), Err(ChatRefused::Oneself));
    desk.ask_twice(remove(1, 2)).unwrap();
    assert_eq!((standing(&desk, 2), told(&desk)), (None, (ChatFactKind::Removed, 2)));
    desk.ask(leave(1)).unwrap();
    assert_eq!((standing(&desk, 1), told(&desk)), (None, (ChatFactKind::Left, 1)));
}

#[test]
fn a_new_name_or_way_of_joining_is_an_event_the_same_is_none() {
    let mut desk = group();
    assert_eq!(desk.ask(update(2, Some("x"), None)), Err(ChatRefused::NotMember));
    let same = desk.ask(update(1, Some("tea"), Some(JoinPolicy::Invite))).unwrap();
    assert_eq!((same.seq, desk.effects.is_empty()), (Seq::new(1), true));
    desk.ask_twice(update(1, Some("coffee"), None)).unwrap();
    let row = desk.row(ChatKey { chat: chat() }).unwrap();
    assert_eq!((row.name.as_str(), row.version, row.last), ("coffee", Seq::new(2), Seq::new(2)));
}

#[test]
fn time_does_not_run_backwards_within_a_chat() {
    let mut desk = group();
    let first = desk.ask(update(1, Some("a"), None)).unwrap();
    desk.now = denrei_model::clock::Timestamp::from_millis(5);
    let second = desk.ask(update(1, Some("b"), None)).unwrap();
    assert_eq!(second.at, first.at);
}
