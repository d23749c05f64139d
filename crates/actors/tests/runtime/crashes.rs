//! What was acknowledged survives, what was not happened at most once, and an owner that was fenced falls silent.

use std::time::Duration;

use denrei_actors::CommandError;
use denrei_actors::account::mark_read::MarkRead;
use denrei_actors::session::SessionRefused;
use denrei_model::operation::Payload;
use denrei_model::position::Seq;

use super::act::{direct, message};
use super::commits::ask;
use super::judge::{self, payloads};
use super::stage::{Setting, Stage, account, origin};

const KEY: &str = "20261124-a";

fn torn() -> Setting {
    Setting { early_apply: false, ..Setting::default() }
}

#[actix::test]
async fn an_acknowledged_message_arrives_though_the_node_dies_at_once() {
    let mut stage = Stage::with_people(torn(), 2).await;
    stage.store.hold();
    let answer = ask(&stage.handle, message(1, 2, Some(KEY), "hello"), origin(1, Some(KEY)));
    stage.rest(100).await;
    stage.store.commit_next();
    assert_eq!(answer.await.unwrap().unwrap().seq, Seq::new(1));
    stage.crash(0).await;
    stage.rest(500).await;
    assert_eq!(payloads(&stage, 2).await.len(), 1);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn a_message_sent_again_under_its_key_has_the_same_seq_wherever_the_crash_was() {
    for durable in 0..=3 {
        let mut stage = Stage::with_people(Setting::default(), 2).await;
        stage.store.hold();
        let answer = ask(&stage.handle, message(1, 2, Some(KEY), "hello"), origin(1, Some(KEY)));
        stage.rest(100).await;
        stage.crash(durable).await;
        assert!(
            matches!(answer.await.unwrap(), Err(CommandError::Unavailable(_))),
            "perhaps done, perhaps not"
        );
        for _ in 0..2 {
            let sent = stage.handle.ask(message(1, 2, Some(KEY), "hello"), origin(1, Some(KEY))).await;
            assert_eq!(sent.unwrap().seq, Seq::new(1));
        }
        stage.rest(500).await;
        assert_eq!((payloads(&stage, 1).await.len(), payloads(&stage, 2).await.len()), (1, 1));
        judge::all_stand(&stage, 2).await;
        tokio::time::resume();
    }
}

#[actix::test]
async fn what_nobody_was_told_of_may_be_gone_and_its_revision_is_given_again() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    stage.listen(2).await;
    stage.store.hold();
    drop(ask(&stage.handle, message(1, 2, None, "lost"), origin(1, None)));
    stage.rest(100).await;
    stage.crash(0).await;
    stage.listen(2).await;
    stage.handle.ask(message(1, 2, None, "kept"), origin(1, None)).await.unwrap();
    stage.rest(500).await;
    assert_eq!(payloads(&stage, 2).await.len(), 1);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn read_marks_that_wait_are_told_after_a_restart() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    for _ in 0..2 {
        stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    }
    stage.rest(100).await;
    for seq in 1..=2 {
        let mark = MarkRead { account: account(2), chat: direct(1, 2), seq: Seq::new(seq) };
        stage.handle.ask(mark, origin(2, None)).await.unwrap();
        stage.rest(50).await;
    }
    stage.crash(0).await;
    stage.rest(3_000).await;
    let last = payloads(&stage, 1).await.pop().unwrap();
    assert!(matches!(last, Payload::NotifiedReadMessage(read) if read.reads[0].seq == Seq::new(2)));
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn read_marks_whose_turn_the_store_refuses_are_told_later() {
    let stage = Stage::with_people(Setting { shards: 1, ..Setting::default() }, 2).await;
    for _ in 0..2 {
        stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    }
    for seq in 1..=2 {
        let mark = MarkRead { account: account(2), chat: direct(1, 2), seq: Seq::new(seq) };
        stage.handle.ask(mark, origin(2, None)).await.unwrap();
        stage.rest(50).await;
    }
    stage.store.refuse_next(denrei_storage::shard::EnqueueError::Full);
    stage.rest(5_000).await;
    let last = payloads(&stage, 1).await.pop().unwrap();
    assert!(matches!(last, Payload::NotifiedReadMessage(read) if read.reads[0].seq == Seq::new(2)));
}

#[actix::test]
async fn a_fenced_shard_shows_nothing_more() {
    let mut stage = Stage::with_people(torn(), 2).await;
    stage.listen(1).await;
    stage.listen(2).await;
    stage.store.hold();
    let answer = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    for shard in stage.handle.shards().all() {
        stage.store.fence(shard);
    }
    stage.store.release();
    stage.rest(500).await;
    assert!(matches!(answer.await.unwrap(), Err(CommandError::Unavailable(_))));
    assert_eq!(stage.pushed().len(), 0);
    let again = stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await;
    assert!(matches!(again, Err(CommandError::Unavailable(_))), "{again:?}");
    assert!(stage.handle.inspect(stage.shard(1), None).await.is_none());
    let session = denrei_actors::session::Session {
        account: account(1),
        device: super::stage::device(1),
        number: 0,
        stream: denrei_actors::session::StreamId(99),
        sink: std::sync::Arc::<super::stage::Notes>::clone(&stage.notes),
    };
    let refused = stage.handle.register(session).await;
    assert!(matches!(refused, Err(SessionRefused::Unavailable | SessionRefused::Overloaded)), "{refused:?}");
}

#[actix::test]
async fn after_a_failed_commit_nothing_in_memory_is_shown() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    stage.listen(2).await;
    stage.store.hold();
    let answer = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    stage.store.fail("no disk");
    let outcome = tokio::time::timeout(Duration::from_secs(5), answer).await.unwrap();
    assert!(matches!(outcome.unwrap(), Err(CommandError::Unavailable(_))));
    assert_eq!(stage.pushed().len(), 0);
}
