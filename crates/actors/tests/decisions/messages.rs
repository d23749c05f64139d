//! Messages: sent, taken back, reacted to.

use denrei_actors::chatroom::ChatRefused;
use denrei_actors::chatroom::create::Create;
use denrei_actors::chatroom::join::Join;
use denrei_actors::chatroom::leave::Leave;
use denrei_actors::chatroom::react::React;
use denrei_actors::chatroom::send::Send;
use denrei_actors::chatroom::unsend::Unsend;
use denrei_model::id::ChatId;
use denrei_model::message::{Content, Mention, Text};
use denrei_model::operation::JoinPolicy;
use denrei_model::position::Seq;
use denrei_model::record::Fact;
use denrei_model::row::{MemberKey, MessageKey};

use super::desk::{Desk, account, chat, device};

fn direct() -> ChatId {
    ChatId::direct(account(1), account(2))
}

fn send(from: u8, to: Option<u8>) -> Send {
    Send {
        chat: direct(),
        peer: to.map(account),
        sender: account(from),
        device: device(from),
        key: None,
        content: Content::Text(Text { text: "hello".to_owned() }),
        reply_to: None,
        mentions: Vec::new(),
    }
}

fn unsend(by: u8, seq: u64) -> Unsend {
    Unsend { chat: direct(), seq: Seq::new(seq), account: account(by) }
}

fn react(by: u8, seq: u64, emoji: Option<&str>) -> React {
    React { chat: direct(), seq: Seq::new(seq), account: account(by), emoji: emoji.map(str::to_owned) }
}

/// A 1:1 chat of 1 and 2 with one message of 1.
fn talk() -> Desk {
    let mut desk = Desk::with_people(3);
    desk.ask(send(1, Some(2))).unwrap();
    desk
}

#[test]
fn the_first_message_makes_the_chat_with_both_in_it() {
    let desk = talk();
    for number in [1, 2] {
        assert!(desk.row(MemberKey { chat: direct(), account: account(number) }).is_some());
    }
    let [Fact::Message(fact)] = desk.facts()[..] else { panic!() };
    assert_eq!((fact.message.seq, fact.members.len(), fact.pair.len()), (Seq::new(1), 2, 2));
}

#[test]
fn who_may_not_send_is_told_why() {
    let mut desk = Desk::with_people(2);
    assert_eq!(desk.ask(send(1, Some(1))), Err(ChatRefused::Oneself));
    assert_eq!(desk.ask(send(1, Some(9))), Err(ChatRefused::NoAccount(account(9))));
    assert_eq!(desk.ask(send(1, None)), Err(ChatRefused::NotMember), "to a chat that is not there");
    let mut desk = talk();
    assert_eq!(desk.ask(send(3, None)), Err(ChatRefused::NotMember));
    let mentions = vec![Mention { account: account(3), index: 0, length: 1 }];
    let mention = Send { mentions, ..send(1, None) };
    assert_eq!(desk.ask(mention), Err(ChatRefused::MentionNotMember(account(3))));
}

#[test]
fn an_answer_to_what_is_no_message_is_not_sent() {
    let mut desk = talk();
    let reply = |to| Send { reply_to: Some(Seq::new(to)), ..send(2, None) };
    desk.ask(react(2, 1, Some("👍"))).unwrap();
    let sent = desk.ask(reply(1)).unwrap();
    let row = desk.row(MessageKey { chat: direct(), seq: sent.seq }).unwrap();
    assert_eq!((sent.seq, row.message.reply_to), (Seq::new(3), Some(Seq::new(1))));
    // 0 is none, 2 is the reaction, 4 would be the message itself, 9 has not come.
    for to in [0, 2, 4, 9, u64::MAX] {
        let before = desk.rows.clone();
        assert_eq!(desk.ask(reply(to)), Err(ChatRefused::NothingToAnswer(Seq::new(to))));
        assert!(desk.rows == before, "{to}: something was written");
    }
    desk.ask(unsend(1, 1)).unwrap();
    assert!(
        desk.ask(reply(1)).is_ok(),
        "one that was taken back may be answered: its sender may just have done so"
    );
    let first = Send { reply_to: Some(Seq::new(1)), ..send(1, Some(2)) };
    assert_eq!(Desk::with_people(2).ask(first), Err(ChatRefused::NothingToAnswer(Seq::new(1))));
}

#[test]
fn what_was_said_before_one_came_is_neither_answered_nor_reacted_to() {
    let mut desk = Desk::with_people(2);
    let join = JoinPolicy::Open;
    desk.ask(Create { chat: chat(), creator: account(1), name: "tea".to_owned(), join, invite: vec![] })
        .unwrap();
    let say = |from, to: Option<u64>| Send { chat: chat(), reply_to: to.map(Seq::new), ..send(from, None) };
    let react = |to| React { chat: chat(), ..react(2, to, Some("👍")) };
    let before = desk.ask(say(1, None)).unwrap().seq;
    desk.ask(Join { chat: chat(), account: account(2) }).unwrap();
    assert_eq!(desk.ask(say(2, Some(before.get()))), Err(ChatRefused::NothingToAnswer(before)));
    assert_eq!(desk.ask(react(before.get())), Err(ChatRefused::NoMessage));
    assert!(desk.ask(say(1, Some(before.get()))).is_ok(), "its sender was there");
    let since = desk.ask(say(1, None)).unwrap().seq.get();
    assert!(desk.ask(say(2, Some(since))).is_ok() && desk.ask(react(since)).is_ok());
}

#[test]
fn a_message_is_taken_back_by_its_sender_only_and_blank_then() {
    let mut desk = talk();
    desk.ask(react(2, 1, Some("👍"))).unwrap();
    assert_eq!(desk.ask(unsend(2, 1)), Err(ChatRefused::NotSender));
    assert_eq!(desk.ask(unsend(1, 7)), Err(ChatRefused::NoMessage));
    assert_eq!(desk.ask(unsend(3, 1)), Err(ChatRefused::NotMember));
    let taken = desk.ask(unsend(1, 1)).unwrap();
    assert_eq!(taken.seq, Seq::new(3));
    assert_eq!(desk.ask(unsend(1, 1)).unwrap().seq, taken.seq, "asked again");
    let message = desk.row(MessageKey { chat: direct(), seq: Seq::new(1) }).unwrap().message;
    assert_eq!((message.content, message.reactions, message.unsent), (None, Vec::new(), Some(Seq::new(3))));
    assert_eq!(desk.ask(react(2, 1, Some("👍"))), Err(ChatRefused::Unsent));
}

#[test]
fn a_reaction_is_set_changed_and_taken_back() {
    let mut desk = talk();
    let stored = |desk: &Desk| {
        let message = desk.row(MessageKey { chat: direct(), seq: Seq::new(1) }).unwrap().message;
        message.reactions.into_iter().map(|reaction| (reaction.account, reaction.emoji)).collect::<Vec<_>>()
    };
    desk.ask_twice(react(2, 1, Some("👍"))).unwrap();
    desk.ask_twice(react(1, 1, Some("🎉"))).unwrap();
    desk.ask_twice(react(2, 1, Some("❤"))).unwrap();
    assert_eq!(stored(&desk), [(account(1), "🎉".to_owned()), (account(2), "❤".to_owned())]);
    desk.ask_twice(react(2, 1, None)).unwrap();
    assert_eq!(stored(&desk).len(), 1);
    assert_eq!(desk.ask(react(3, 1, Some("👍"))), Err(ChatRefused::NotMember));
    assert_eq!(desk.ask(react(2, 9, Some("👍"))), Err(ChatRefused::NoMessage));
}

#[test]
fn a_chat_of_two_is_not_left() {
    let leave = Leave { chat: direct(), account: account(1) };
    assert_eq!(talk().ask(leave), Err(ChatRefused::NotGroup));
}
