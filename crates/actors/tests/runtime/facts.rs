//! What accounts make of what others say: who sees which messages, what is unread, who follows whom.

use denrei_actors::CommandError;
use denrei_actors::account::contact::block::SetBlock;
use denrei_actors::account::contact::put::PutContact;
use denrei_actors::account::contact::remove::RemoveContact;
use denrei_actors::account::mark_read::{MarkRead, MarkRefused};
use denrei_actors::account::profile::UpdateProfile;
use denrei_actors::chatroom::create::Create;
use denrei_actors::chatroom::join::Join;
use denrei_actors::chatroom::leave::Leave;
use denrei_actors::chatroom::react::React;
use denrei_actors::chatroom::remove::Remove;
use denrei_actors::chatroom::unsend::Unsend;
use denrei_actors::name::handle::ClaimHandle;
use denrei_model::id::ChatId;
use denrei_model::operation::{JoinPolicy, Membership, Payload, Relation};
use denrei_model::position::Seq;
use denrei_model::row::{AccountChatKey, AccountKey, ContactKey, NameKey, ReceivedKey};

use super::act::{direct, message, to_chat};
use super::judge::{self, payloads};
use super::stage::{Setting, Stage, account, origin};

async fn say(stage: &Stage, from: u8, to: u8) -> u64 {
    let sent = stage.handle.ask(message(from, to, None, "hello"), origin(from, None)).await.unwrap();
    stage.rest(100).await;
    sent.seq.get()
}

async fn block(stage: &Stage, by: u8, other: u8, blocked: bool) {
    let command = SetBlock { account: account(by), other: account(other), blocked };
    stage.handle.ask(command, origin(by, None)).await.unwrap();
}

/// The seqs of messages in a person's log, own ones too.
async fn messages(stage: &Stage, number: u8) -> Vec<u64> {
    let seq = |payload| match payload {
        Payload::SendMessage(sent) => Some(sent.message.seq.get()),
        Payload::ReceiveMessage(received) => Some(received.message.seq.get()),
        _ => None,
    };
    payloads(stage, number).await.into_iter().filter_map(seq).collect()
}

fn group() -> ChatId {
    ChatId::from_bytes([77; 16])
}

/// An open group of person 1.
async fn open_group(people: u8) -> Stage {
    let stage = Stage::with_people(Setting::default(), people).await;
    let (creator, join) = (account(1), JoinPolicy::Open);
    let create = Create { chat: group(), creator, name: "tea".to_owned(), join, invite: Vec::new() };
    stage.handle.ask(create, origin(1, None)).await.unwrap();
    stage
}

#[actix::test]
async fn a_block_hides_just_what_came_meanwhile() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    assert_eq!(say(&stage, 1, 2).await, 1);
    block(&stage, 2, 1, true).await;
    assert_eq!((say(&stage, 1, 2).await, say(&stage, 1, 2).await), (2, 3));
    assert_eq!(say(&stage, 2, 1).await, 4);
    assert_eq!(say(&stage, 1, 2).await, 5);
    block(&stage, 2, 1, false).await;
    assert_eq!(say(&stage, 1, 2).await, 6);
    assert_eq!(messages(&stage, 2).await, [1, 4, 6]);
    assert_eq!(messages(&stage, 1).await, [1, 2, 3, 4, 5, 6], "the sender notices nothing");
    let key = AccountChatKey { account: account(2), chat: direct(1, 2) };
    let row = stage.row(key).await.unwrap();
    let seen: Vec<u64> = (0..8).filter(|seq| row.sees(Seq::new(*seq))).collect();
    assert_eq!((seen, row.n), (vec![1, 4, 6, 7], 2));
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn a_chat_that_begins_under_a_block_is_not_there() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    block(&stage, 2, 1, true).await;
    say(&stage, 1, 2).await;
    let key = AccountChatKey { account: account(2), chat: direct(1, 2) };
    assert!(stage.row(key).await.is_none());
    block(&stage, 2, 1, false).await;
    say(&stage, 1, 2).await;
    assert_eq!(messages(&stage, 2).await, [2]);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn what_happens_to_a_hidden_message_is_hidden_too() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    say(&stage, 1, 2).await;
    block(&stage, 2, 1, true).await;
    say(&stage, 1, 2).await;
    block(&stage, 2, 1, false).await;
    let before = payloads(&stage, 2).await.len();
    let (chat, emoji) = (direct(1, 2), Some("👍".to_owned()));
    for seq in [1, 2] {
        let react = React { chat, seq: Seq::new(seq), account: account(1), emoji: emoji.clone() };
        stage.handle.ask(react, origin(1, None)).await.unwrap();
    }
    let unsend = Unsend { chat, seq: Seq::new(2), account: account(1) };
    stage.handle.ask(unsend, origin(1, None)).await.unwrap();
    stage.rest(100).await;
    let told = payloads(&stage, 2).await.split_off(before);
    assert!(matches!(&told[..], [Payload::NotifiedSendReaction(reacted)] if reacted.seq == Seq::new(1)));
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn a_member_sees_from_joining_to_leaving_and_again() {
    let stage = open_group(3).await;
    let tell = async |number| {
        let sent = stage.handle.ask(to_chat(number, group(), None, "hello"), origin(number, None)).await;
        stage.rest(50).await;
        sent.unwrap().seq.get()
    };
    let join = Join { chat: group(), account: account(2) };
    let before = tell(1).await;
    stage.handle.ask(join.clone(), origin(2, None)).await.unwrap();
    let within = tell(1).await;
    stage.handle.ask(Leave { chat: group(), account: account(2) }, origin(2, None)).await.unwrap();
    let away = tell(1).await;
    stage.handle.ask(join, origin(2, None)).await.unwrap();
    let again = tell(2).await;
    let remove = Remove { chat: group(), by: account(1), account: account(2) };
    stage.handle.ask(remove, origin(1, None)).await.unwrap();
    let after = tell(1).await;
    assert_eq!(messages(&stage, 2).await, [within, again]);
    assert_eq!(messages(&stage, 1).await, [before, within, away, again, after]);
    let row = stage.row(AccountChatKey { account: account(2), chat: group() }).await.unwrap();
    assert_eq!((row.membership, row.visible.len()), (Membership::Gone, 2));
    judge::all_stand(&stage, 3).await;
}

#[actix::test]
async fn unread_is_what_was_received_beyond_the_mark() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    for (from, to) in [(1, 2), (1, 2), (2, 1), (1, 2), (1, 2)] {
        say(&stage, from, to).await;
    }
    let mark = async |seq| {
        let command = MarkRead { account: account(2), chat: direct(1, 2), seq: Seq::new(seq) };
        let marked = stage.handle.ask(command, origin(2, None)).await.unwrap();
        (marked.seq.get(), marked.unread)
    };
    assert_eq!(mark(2).await, (2, 2));
    assert_eq!(mark(3).await, (3, 2), "one's own message counts for nothing");
    assert_eq!(mark(1).await, (3, 2), "a mark never goes back");
    assert_eq!(mark(99).await, (5, 0), "nor beyond what was received");
    assert_eq!(say(&stage, 1, 2).await, 6);
    assert_eq!(mark(99).await, (6, 0));
    let key = |seq| ReceivedKey { account: account(2), chat: direct(1, 2), seq };
    let counts = stage.rows(key(Seq::ZERO), key(Seq::MAX)).await;
    assert_eq!(counts.len(), 1, "counts below the mark are cleared");
    stage.rest(5_000).await;
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn nobody_marks_a_chat_that_they_are_not_in() {
    let stage = open_group(2).await;
    let mark = MarkRead { account: account(2), chat: group(), seq: Seq::new(1) };
    let refused = stage.handle.ask(mark, origin(2, None)).await;
    assert_eq!(refused.unwrap_err(), CommandError::Refused(MarkRefused::NotMember));
}

#[actix::test]
async fn who_is_added_learns_of_it_follows_nothing_and_is_followed() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    let put = PutContact { account: account(1), other: account(2), favorite: false };
    stage.handle.ask(put, origin(1, None)).await.unwrap();
    stage.rest(100).await;
    let contact = stage.row(ContactKey { account: account(2), other: account(1) }).await.unwrap();
    assert_eq!((contact.relation, contact.profile.name.as_str()), (Relation::Recommended, "person 1"));
    assert_eq!(stage.row(AccountKey { account: account(2) }).await.unwrap().followers, 1);
    let (picture, status) = (String::new(), String::new());
    let update = UpdateProfile { account: account(2), name: "new".to_owned(), picture, status };
    stage.handle.ask(update, origin(2, None)).await.unwrap();
    stage.rest(100).await;
    let contact = stage.row(ContactKey { account: account(1), other: account(2) }).await.unwrap();
    assert_eq!(contact.profile.name, "new");
    let remove = RemoveContact { account: account(1), other: account(2) };
    stage.handle.ask(remove, origin(1, None)).await.unwrap();
    stage.rest(100).await;
    assert_eq!(stage.row(AccountKey { account: account(2) }).await.unwrap().followers, 0);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn who_is_blocked_adds_without_a_word_and_still_follows() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    block(&stage, 2, 1, true).await;
    let put = PutContact { account: account(1), other: account(2), favorite: false };
    stage.handle.ask(put, origin(1, None)).await.unwrap();
    stage.rest(100).await;
    assert!(matches!(&payloads(&stage, 2).await[..], [Payload::BlockContact(_)]));
    assert_eq!(stage.row(AccountKey { account: account(2) }).await.unwrap().followers, 1);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn a_new_handle_frees_the_one_before() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    for handle in ["tea", "coffee"] {
        let claim = ClaimHandle { handle: handle.to_owned(), account: account(1) };
        stage.handle.ask(claim, origin(1, None)).await.unwrap();
        stage.rest(100).await;
    }
    let profile = stage.row(AccountKey { account: account(1) }).await.unwrap().profile;
    assert_eq!(profile.handle.as_deref(), Some("coffee"));
    assert!(stage.row(NameKey { name: "handle:tea".to_owned() }).await.is_none());
    let claim = ClaimHandle { handle: "tea".to_owned(), account: account(2) };
    stage.handle.ask(claim, origin(2, None)).await.unwrap();
    stage.rest(100).await;
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn marks_of_somebody_who_left_and_came_again_are_not_told() {
    let stage = open_group(2).await;
    let join = Join { chat: group(), account: account(2) };
    stage.handle.ask(join.clone(), origin(2, None)).await.unwrap();
    for _ in 0..2 {
        stage.handle.ask(to_chat(1, group(), None, "hello"), origin(1, None)).await.unwrap();
        stage.rest(50).await;
        let mark = MarkRead { account: account(2), chat: group(), seq: Seq::MAX };
        stage.handle.ask(mark, origin(2, None)).await.unwrap();
        stage.rest(50).await;
    }
    stage.handle.ask(Leave { chat: group(), account: account(2) }, origin(2, None)).await.unwrap();
    stage.handle.ask(join, origin(2, None)).await.unwrap();
    stage.rest(5_000).await;
    judge::all_stand(&stage, 2).await;
}
