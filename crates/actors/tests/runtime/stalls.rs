//! What one shard cannot do for some must not keep it from doing the rest for all others.

use std::time::Duration;

use denrei_actors::account::contact::put::PutContact;
use denrei_actors::account::mark_read::MarkRead;
use denrei_actors::chatroom::{ChatEvent, Chatroom};
use denrei_actors::command::Outcome;
use denrei_actors::entity::EntityRef;
use denrei_actors::rows::Rows;
use denrei_actors::session::{SessionRefused, Signal};
use denrei_actors::shard::Sweep;
use denrei_actors::{Command, CommandError, Decision, Facts};
use denrei_model::id::{ChatId, LogId};
use denrei_model::operation::Payload;
use denrei_model::position::{RecordNumber, Seq};
use denrei_model::row::{AccountChatKey, AnswerKey, ContactKey, DeadLetterKey, DeadLetterRow, HeadKey, Key};
use denrei_model::shard::{Home, Shard};
use denrei_storage::shard::{EnqueueError, Fetch};
use tokio::time::timeout;

use super::act::{direct, message};
use super::commits::ask;
use super::judge::payloads;
use super::stage::{Setting, Stage, account, origin};

/// Longer than anything takes that is not held up.
const PATIENCE: Duration = Duration::from_secs(1);

fn one_shard() -> Setting {
    Setting { shards: 1, ..Setting::default() }
}

async fn soon<C: Command>(stage: &Stage, command: C, number: u8) -> Outcome<C> {
    let answer = timeout(PATIENCE, stage.handle.ask(command, origin(number, None))).await;
    answer.expect("it is answered, and not held up")
}

#[actix::test]
async fn a_damaged_row_is_told_to_those_who_need_it_and_holds_up_nobody_else() {
    let stage = Stage::with_people(one_shard(), 4).await;
    stage.store.damage(ContactKey { account: account(1), other: account(2) }.into());
    let put = PutContact { account: account(1), other: account(2), favorite: true };
    let refused = soon(&stage, put, 1).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    soon(&stage, message(3, 4, None, "hello"), 3).await.unwrap();
}

/// Records that shard 0 set aside.
async fn letters(stage: &Stage) -> Vec<DeadLetterRow> {
    let key = |number| DeadLetterKey { to: Shard::new(0), from: Shard::new(0), number };
    let letters = stage.rows(key(RecordNumber::ZERO), key(RecordNumber::MAX)).await;
    letters.into_iter().map(|(_, letter)| letter).collect()
}

async fn log_ids(stage: &Stage) -> [LogId; 3] {
    let mut log_ids = [LogId::default(); 3];
    for (number, log_id) in (1..).zip(&mut log_ids) {
        *log_id = stage.row(HeadKey { account: account(number) }).await.unwrap().log_id;
    }
    log_ids
}

#[actix::test]
async fn a_record_that_needs_a_damaged_row_is_set_aside_for_its_owner_and_reaches_the_others() {
    let mut stage = Stage::with_people(one_shard(), 3).await;
    stage.listen(1).await;
    let second = stage.listen(2).await;
    stage.listen(3).await;
    let before = log_ids(&stage).await;
    stage.store.damage(AccountChatKey { account: account(2), chat: direct(1, 2) }.into());
    soon(&stage, message(1, 2, None, "hello"), 1).await.unwrap();
    stage.rest(500).await;
    let letters = letters(&stage).await;
    assert!(letters.len() == 1 && letters[0].reason.contains("damaged"), "{letters:?}");
    let after = log_ids(&stage).await;
    assert_ne!(after[1], before[1], "its devices must not go on as if nothing were missing");
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_eq!(stage.signals(), [(second, Signal::Behind)]);
    assert_eq!(payloads(&stage, 1).await.len(), 1, "the sender's devices have it");
    let standing = stage.row(AccountChatKey { account: account(1), chat: direct(1, 2) }).await.unwrap();
    assert_eq!((standing.applied, standing.last_message), (Seq::new(1), Seq::new(1)));
    soon(&stage, message(3, 2, None, "hello"), 3).await.unwrap();
    stage.rest(500).await;
    assert_eq!(payloads(&stage, 2).await.len(), 1, "others reach it as before");
}

#[actix::test]
async fn a_damaged_head_is_not_taken_for_an_absent_one_and_keeps_nobody_else_from_the_record() {
    // Of what was written just now the shard would not ask the store.
    let stage = Stage::planted(one_shard(), 3, Vec::new()).await;
    let before = log_ids(&stage).await;
    let head = Key::from(HeadKey { account: account(2) });
    stage.store.damage(head.clone());
    soon(&stage, message(1, 2, None, "hello"), 1).await.unwrap();
    stage.rest(500).await;
    assert_eq!(letters(&stage).await.len(), 1);
    stage.store.mend(&head);
    assert_eq!(log_ids(&stage).await, before);
    assert_eq!(payloads(&stage, 1).await.len(), 1);
    soon(&stage, message(3, 2, None, "hello"), 3).await.unwrap();
    stage.rest(500).await;
    assert_eq!(payloads(&stage, 2).await.len(), 1, "nobody has taken it for an account that is not there");
}

#[actix::test]
async fn a_record_is_set_aside_once_the_store_takes_it_and_is_counted_then() {
    let stage = Stage::with_people(Setting { early_apply: false, ..one_shard() }, 3).await;
    stage.store.damage(AccountChatKey { account: account(2), chat: direct(1, 2) }.into());
    stage.store.hold();
    let answer = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    while stage.store.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    stage.store.limit_disk(Some(0));
    stage.store.release();
    stage.rest(500).await;
    let figures = stage.handle.measure(Shard::new(0)).await.unwrap();
    assert_eq!((figures.skipped, figures.queued_records), (0, 1), "it keeps its place");
    assert_eq!(letters(&stage).await, []);
    stage.store.limit_disk(None);
    stage.rest(500).await;
    let figures = stage.handle.measure(Shard::new(0)).await.unwrap();
    assert_eq!((figures.skipped, figures.queued_records), (1, 0));
    assert_eq!(letters(&stage).await.len(), 1);
    answer.await.unwrap().unwrap();
}

#[actix::test]
async fn with_the_disk_full_whoever_waits_behind_a_record_is_told_to_come_back() {
    let mut stage = Stage::with_people(Setting { early_apply: false, ..Setting::default() }, 9).await;
    let shards = stage.handle.shards();
    let mut pairs = (1..=9).flat_map(|one| (1..=9).map(move |other| (one, other)));
    // Their shard has one record of the message, and the chat is on another.
    let fits = |(one, other): &(u8, u8)| {
        let here = stage.shard(*one);
        one != other && stage.shard(*other) == here && shards.of(&Home::Chat(direct(*one, *other))) != here
    };
    let (sender, receiver) = pairs.find(fits).expect("such a pair");
    let put = || PutContact { account: account(receiver), other: account(sender), favorite: true };
    stage.store.hold();
    let answer = ask(&stage.handle, message(sender, receiver, None, "hello"), origin(sender, None));
    while stage.store.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    stage.store.refuse_next(EnqueueError::Full);
    stage.store.release();
    while stage.handle.measure(stage.shard(receiver)).await.unwrap().shed == 0 {
        tokio::task::yield_now().await;
    }
    // The record rests a moment, and this waits behind it.
    let waiting = ask(&stage.handle, put(), origin(receiver, None));
    while stage.handle.measure(stage.shard(receiver)).await.unwrap().queued_commands == 0 {
        tokio::task::yield_now().await;
    }
    stage.store.limit_disk(Some(0));
    stage.rest(500).await;
    let told = timeout(PATIENCE, waiting).await.expect("it is answered").unwrap();
    assert!(matches!(told, Err(CommandError::Overloaded(_))), "{told:?}");
    let shed = stage.handle.measure(stage.shard(receiver)).await.unwrap().shed;
    stage.rest(500).await;
    let later = stage.handle.measure(stage.shard(receiver)).await.unwrap().shed;
    assert!(
        later - shed <= 10,
        "the record is refused at each look, {} sheds, and nothing else is shed again",
        later - shed
    );
    for _ in 0..3 {
        let shed = soon(&stage, put(), receiver).await;
        assert!(matches!(shed, Err(CommandError::Overloaded(_))), "{shed:?}");
        let signed_on = timeout(PATIENCE, stage.sign_on(receiver)).await.expect("it is answered");
        assert_eq!(signed_on, Err(SessionRefused::Overloaded));
    }
    stage.store.limit_disk(None);
    stage.rest(500).await;
    answer.await.unwrap().unwrap();
    assert_eq!(payloads(&stage, receiver).await.len(), 1, "the record was kept");
    soon(&stage, put(), receiver).await.unwrap();
}

#[actix::test]
async fn a_timer_of_a_chat_that_rests_holds_up_no_other_chat() {
    let stage = Stage::with_people(one_shard(), 4).await;
    for _ in 0..2 {
        soon(&stage, message(1, 2, None, "hello"), 1).await.unwrap();
    }
    for seq in 1..=2 {
        let mark = MarkRead { account: account(2), chat: direct(1, 2), seq: Seq::new(seq) };
        soon(&stage, mark, 2).await.unwrap();
        stage.rest(50).await;
    }
    // The seventh rest is long enough for the timer to come due within it.
    let mut panics = 0;
    while panics < 7 {
        match soon(&stage, Explode(direct(1, 2)), 1).await {
            Err(CommandError::Unavailable(_)) => panics += 1,
            Err(CommandError::Overloaded(_)) => stage.rest(50).await,
            other => panic!("{other:?}"),
        }
    }
    stage.rest(750).await;
    soon(&stage, message(3, 4, None, "hello"), 3).await.unwrap();
    stage.rest(5_000).await;
    let last = payloads(&stage, 1).await.pop().unwrap();
    assert!(matches!(last, Payload::NotifiedReadMessage(read) if read.reads[0].seq == Seq::new(2)));
}

/// A command that has a bug.
struct Explode(ChatId);

impl Command for Explode {
    type Entity = Chatroom;
    type Answer = ChatEvent;
    type Refusal = ();
    const NAME: &'static str = "explode";

    fn entity(&self) -> EntityRef {
        EntityRef::Chat(self.0)
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, _: &Chatroom, _: &Rows, _: &Facts) -> Result<Decision<ChatEvent>, ()> {
        panic!("as the test wants it");
    }
}

#[actix::test]
async fn a_sweep_that_ends_before_it_begins_finds_nothing() {
    let stage = Stage::with_people(one_shard(), 2).await;
    let shard = Shard::new(0);
    soon(&stage, message(1, 2, Some("20261124-1"), "hello"), 1).await.unwrap();
    let from = Some(AnswerKey { shard, day: u32::MAX, digest: [1; 16] });
    let swept = stage.handle.sweep(shard, Sweep::Answers { from }).await.unwrap();
    assert_eq!(swept.rows, 0);
    soon(&stage, message(1, 2, None, "hello"), 1).await.unwrap();
}
