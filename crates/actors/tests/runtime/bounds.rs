//! Every queue has a bound, and over it nothing is lost: commands are shed, records wait.

use std::sync::Arc;
use std::task::{Context, Waker};

use denrei_actors::entity::EntityRef;
use denrei_actors::name::{handle_name, link_name};
use denrei_actors::session::{Session, Signal, StreamId};
use denrei_actors::shard::ShardOptions;
use denrei_actors::{CommandError, RuntimeOptions};
use denrei_model::position::Seq;
use denrei_model::row::{AccountChatKey, HeadKey};
use denrei_storage::shard::EnqueueError;

use super::act::{direct, message};
use super::commits::ask;
use super::judge::{self, payloads};
use super::stage::{Notes, Setting, Stage, account, device, origin};

fn narrow() -> ShardOptions {
    ShardOptions { max_queued_commands: 2, max_queued_records: 2, ..ShardOptions::default() }
}

#[actix::test]
async fn hand_overs_without_room_are_pulled_in_order_from_the_durable_inbox() {
    for early_apply in [true, false] {
        let setting = Setting { early_apply, options: narrow(), ..Setting::default() };
        let stage = Stage::with_people(setting, 2).await;
        let mut sent = 0;
        for _ in 0..40 {
            let answers: Vec<_> =
                (0..4).map(|_| ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None))).collect();
            for answer in answers {
                sent += u64::from(answer.await.unwrap().is_ok());
            }
        }
        stage.rest(5_000).await;
        assert_eq!(payloads(&stage, 2).await.len() as u64, sent);
        judge::all_stand(&stage, 2).await;
        tokio::time::resume();
    }
}

#[actix::test]
async fn a_stream_without_room_is_told_later_that_the_log_is_ahead() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    let stream = stage.listen(2).await;
    *stage.notes.full.lock().unwrap() = true;
    stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    stage.rest(1_000).await;
    *stage.notes.full.lock().unwrap() = false;
    stage.rest(1_000).await;
    let signals = stage.notes.signals.lock().unwrap();
    assert!(matches!(signals[..], [(to, Signal::Behind)] if to == stream), "{signals:?}");
}

#[actix::test]
async fn a_stream_that_is_given_up_while_its_sign_on_waits_leaves_no_session() {
    let mut stage = Stage::with_people(Setting::default(), 1).await;
    // Nothing is at hand any more: the row of the device has to be read.
    stage.crash(0).await;
    let stream = StreamId(99);
    let session = Session {
        account: account(1),
        device: device(1),
        number: 0,
        stream,
        sink: Arc::<Notes>::clone(&stage.notes),
    };
    let mut signing_on = Box::pin(stage.handle.register(session));
    assert!(signing_on.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(signing_on);
    stage.handle.end(account(1), stream);
    stage.rest(100).await;
    assert_eq!(stage.handle.measure(stage.shard(1)).await.unwrap().sessions, 0);
}

#[actix::test]
async fn a_hand_over_that_was_dropped_long_before_its_commit_is_found_all_the_same() {
    let options = ShardOptions { max_queued_records: 1, ..ShardOptions::default() };
    let stage = Stage::with_people(Setting { shards: 32, options, ..Setting::default() }, 20).await;
    stage.store.hold();
    let answers: Vec<_> = (3..=20)
        .map(|from| ask(&stage.handle, message(from, 2, None, "hello"), origin(from, None)))
        .collect();
    stage.rest(1_000).await;
    stage.store.release();
    stage.rest(2_000).await;
    let mut sent = 0;
    for answer in answers {
        sent += usize::from(answer.await.unwrap().is_ok());
    }
    let report = stage.handle.inspect(stage.shard(2), None).await.unwrap();
    assert!(report.figures.pulled > 0, "some hand-overs found no room");
    assert_eq!(payloads(&stage, 2).await.len(), sent, "without any further record from there");
}

#[actix::test]
async fn commands_beyond_the_bound_are_shed_and_change_nothing() {
    let options = ShardOptions { max_queued_commands: 1, ..ShardOptions::default() };
    let stage = Stage::with_people(Setting { options, ..Setting::default() }, 2).await;
    let answers: Vec<_> =
        (0..50).map(|_| ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None))).collect();
    let (mut granted, mut shed) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(_) => granted += 1,
            Err(CommandError::Overloaded(after)) => {
                assert_eq!(after.as_secs(), 1);
                shed += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(granted > 0 && shed > 0, "{granted} granted, {shed} shed");
    stage.rest(1_000).await;
    assert_eq!(payloads(&stage, 2).await.len(), granted);
}

#[actix::test]
async fn a_command_that_the_store_refuses_leaves_no_trace_in_memory() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    let refusal = |stage: &Stage| stage.store.refuse_next(EnqueueError::Full);
    refusal(&stage);
    let shed = stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await;
    assert!(matches!(shed, Err(CommandError::Overloaded(_))));
    let sent = stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    assert_eq!(sent.seq, Seq::new(1), "the entity does not remember what was refused");
    refusal(&stage);
    let shed = stage.handle.ask(message(2, 1, None, "hello"), origin(2, None)).await;
    assert!(matches!(shed, Err(CommandError::Overloaded(_))));
    let sent = stage.handle.ask(message(2, 1, None, "hello"), origin(2, None)).await.unwrap();
    assert_eq!(sent.seq, Seq::new(2));
    stage.rest(500).await;
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn records_that_the_store_refuses_are_tried_again_in_order_without_spinning() {
    let stage = Stage::with_people(Setting { queue: 4, ..Setting::default() }, 2).await;
    stage.store.hold();
    let _answers: Vec<_> =
        (0..4).map(|_| ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None))).collect();
    stage.rest(100).await;
    let shard = stage.shard(2);
    let before = stage.handle.inspect(shard, None).await.unwrap();
    stage.rest(1_000).await;
    let after = stage.handle.inspect(shard, None).await.unwrap();
    assert!(after.figures.shed > before.figures.shed, "the record is refused again");
    assert!(
        after.figures.turns - before.figures.turns <= 21,
        "{} turns in a second",
        after.figures.turns - before.figures.turns
    );
    stage.store.release();
    stage.rest(1_000).await;
    assert!(!payloads(&stage, 2).await.is_empty());
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn of_a_record_with_too_large_effects_snapshots_say_what_no_operation_does() {
    let setting = Setting { shards: 1, early_apply: false, ..Setting::default() };
    let stage = Stage::with_people(setting, 2).await;
    let head = |number| stage.row(HeadKey { account: account(number) });
    let before = [head(1).await.unwrap().log_id, head(2).await.unwrap().log_id];
    stage.store.hold();
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    stage.store.refuse_next(EnqueueError::TooLarge { bytes: 2, limit: 1 });
    stage.store.release();
    stage.rest(500).await;
    let report = stage.handle.inspect(denrei_model::shard::Shard::new(0), None).await.unwrap();
    assert_eq!((report.figures.skipped, report.figures.queued_records), (1, 0));
    for (number, before) in [1, 2].into_iter().zip(before) {
        let chat = direct(1, 2);
        let standing = stage.row(AccountChatKey { account: account(number), chat }).await.unwrap();
        assert_eq!((standing.applied, standing.last_message), (Seq::new(1), Seq::new(1)));
        assert_ne!(head(number).await.unwrap().log_id, before);
        assert!(stage.log(number).await.is_empty());
    }
    stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    stage.rest(500).await;
    assert_eq!((stage.log(1).await.len(), stage.log(2).await.len()), (1, 1));
}

#[actix::test]
async fn no_more_entities_stay_active_than_may() {
    let options = ShardOptions { max_active: 2, ..ShardOptions::default() };
    let stage = Stage::with_people(Setting { shards: 1, options, ..Setting::default() }, 9).await;
    for round in 1..=4 {
        for other in 2..=9 {
            let sent = stage.handle.ask(message(1, other, None, "hello"), origin(1, None)).await.unwrap();
            assert_eq!((sent.chat, sent.seq), (direct(1, other), Seq::new(round)));
        }
    }
    stage.rest(500).await;
    let report = stage.handle.inspect(denrei_model::shard::Shard::new(0), None).await.unwrap();
    assert!(report.figures.active <= 2, "{} are active", report.figures.active);
    assert_eq!(
        (report.figures.panics, report.figures.shed),
        (0, 0),
        "nobody was let go in the middle of a turn"
    );
    judge::all_stand(&stage, 9).await;
}

#[actix::test]
async fn a_report_says_how_a_shard_is() {
    let stage = Stage::with_people(Setting::default(), 1).await;
    assert_eq!(RuntimeOptions::default().arbiters, 0);
    let report = stage.handle.inspect(stage.shard(1), None).await.unwrap();
    assert_eq!(
        (report.figures.active, report.figures.turns, report.figures.waiting, report.figures.pinned_rows),
        (1, 1, 0, 0)
    );
    assert_eq!(report.figures.last_ticket, report.figures.durable);
}

#[actix::test]
async fn a_report_says_for_how_long_the_oldest_has_waited_and_what_it_keeps_active() {
    let stage = Stage::with_people(Setting { queue: 4, shards: 1, ..Setting::default() }, 2).await;
    let entity = EntityRef::Account(account(2));
    let shard = stage.shard(2);
    let idle = stage.handle.inspect(shard, Some(entity.clone())).await.unwrap();
    assert_eq!((idle.figures.oldest_waits_ms, idle.entity.unwrap().pinned_by), (None, 0));
    // With a store that takes nothing, records rest in line.
    stage.store.hold();
    let _answers: Vec<_> =
        (0..4).map(|_| ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None))).collect();
    stage.rest(1_000).await;
    let busy = stage.handle.inspect(shard, Some(entity)).await.unwrap();
    let figures = stage.handle.measure(shard).await.unwrap();
    assert!(figures.queued_records > 0 && figures.oldest_waits_ms > Some(500), "{figures:?}");
    assert!(busy.entity.unwrap().pinned_by > 0);
    stage.store.release();
    stage.rest(1_000).await;
    let figures = stage.handle.measure(shard).await.unwrap();
    assert_eq!((figures.active_accounts, figures.active_chats, figures.active_names), (2, 1, 0));
    assert_eq!((figures.active, figures.oldest_waits_ms), (3, None));
}

#[actix::test]
async fn a_code_that_links_a_device_is_shown_to_nobody_who_looks_at_a_name() {
    let code = EntityRef::Name(link_name("31415926"));
    assert_eq!(format!("{code:?}"), "Name(\"link:…\")");
    assert_eq!(format!("{:?}", EntityRef::Name(handle_name("brown"))), "Name(\"handle:brown\")");
}
