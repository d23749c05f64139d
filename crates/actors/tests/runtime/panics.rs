//! An entity that panics is loaded again; a record that makes it panic each time is set aside.

use denrei_actors::CommandError;
use denrei_actors::session::Signal;
use denrei_model::operation::{ChatKind, Membership};
use denrei_model::position::{RecordNumber, Revision, Seq};
use denrei_model::row::{AccountChatKey, AccountChatRow, DeadLetterKey, HeadKey, Row};
use denrei_model::shard::Shard;
use denrei_storage::shard::EnqueueError;

use super::act::{direct, message};
use super::stage::{Setting, Stage, account, origin};

/// Counting one more message than there are numbers is a bug that panics: a row that no owner would write.
fn damaged(number: u8, other: u8) -> (denrei_model::row::Key, Row) {
    let row = AccountChatRow {
        kind: ChatKind::Direct,
        membership: Membership::Joined,
        peer: Some(account(other)),
        n: u64::MAX,
        ..AccountChatRow::default()
    };
    (AccountChatKey { account: account(number), chat: direct(number, other) }.into(), Row::AccountChat(row))
}

#[actix::test]
async fn a_record_that_makes_its_entity_panic_each_time_is_set_aside_and_forces_snapshots() {
    let mut stage = Stage::planted(Setting::default(), 3, vec![damaged(2, 1)]).await;
    let stream = stage.listen(2).await;
    let head = stage.row(HeadKey { account: account(2) }).await.unwrap();
    stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    stage.rest(2_000).await;
    let report = stage.handle.inspect(stage.shard(2), None).await.unwrap();
    assert_eq!((report.figures.panics, report.figures.skipped), (3, 1));
    let (low, high) = (Shard::new(0), Shard::new(u16::MAX));
    let key = |to| DeadLetterKey { to, from: low, number: RecordNumber::ZERO };
    let letters = stage.rows(key(low), key(high)).await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].1.reason.contains("panicked"));
    let renewed = stage.row(HeadKey { account: account(2) }).await.unwrap();
    assert_ne!(renewed.log_id, head.log_id);
    assert_eq!((renewed.revision, renewed.first), (Revision::ZERO, Revision::new(1)));
    assert_eq!(stage.signals(), [(stream, Signal::Behind)]);
    stage.handle.ask(message(3, 2, None, "hello"), origin(3, None)).await.unwrap();
    stage.rest(500).await;
    assert_eq!(stage.log(2).await.len(), 1, "others reach it as before");
}

#[actix::test]
async fn a_record_that_the_store_would_not_set_aside_is_not_tried_once_more() {
    let setting = Setting { shards: 1, early_apply: false, ..Setting::default() };
    let stage = Stage::planted(setting, 2, vec![damaged(2, 1)]).await;
    stage.store.hold();
    let answer = super::commits::ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    while stage.store.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    stage.store.refuse_next(EnqueueError::Full);
    stage.store.release();
    stage.rest(2_000).await;
    let figures = stage.handle.measure(Shard::new(0)).await.unwrap();
    assert_eq!((figures.panics, figures.skipped, figures.shed), (3, 1, 1));
    answer.await.unwrap().unwrap();
}

#[actix::test]
async fn the_rest_between_panics_is_counted_in_time_not_in_turns() {
    let stage = Stage::planted(Setting::default(), 2, vec![damaged(2, 1)]).await;
    stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    // Time of the node stands still: it rests.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let report = stage.handle.inspect(stage.shard(2), None).await.unwrap();
    assert_eq!((report.figures.panics, report.figures.skipped), (1, 0));
    stage.rest(1_000).await;
    let report = stage.handle.inspect(stage.shard(2), None).await.unwrap();
    assert_eq!((report.figures.panics, report.figures.skipped, report.figures.queued_records), (3, 1, 0));
}

mod of_a_command {
    use super::*;
    use denrei_actors::account::Account;
    use denrei_actors::account::device::Tokens;
    use denrei_actors::entity::EntityRef;
    use denrei_actors::rows::Rows;
    use denrei_actors::{Command, Decision, Facts};
    use denrei_storage::shard::Fetch;

    struct Explode;

    impl Command for Explode {
        type Entity = Account;
        type Answer = Tokens;
        type Refusal = ();
        const NAME: &'static str = "explode";

        fn entity(&self) -> EntityRef {
            EntityRef::Account(account(1))
        }

        fn needs(&self) -> Fetch {
            Fetch::default()
        }

        fn decide(&self, _: &Account, _: &Rows, _: &Facts) -> Result<Decision<Tokens>, ()> {
            panic!("as the test wants it");
        }
    }

    #[actix::test]
    async fn its_caller_hears_that_nothing_is_known_and_the_entity_is_loaded_again() {
        let stage = Stage::with_people(Setting { shards: 1, ..Setting::default() }, 2).await;
        let outcome = stage.handle.ask(Explode, origin(1, None)).await;
        assert!(matches!(outcome, Err(CommandError::Unavailable(_))));
        let resting = stage.handle.ask(Explode, origin(1, None)).await;
        assert!(matches!(resting, Err(CommandError::Overloaded(_))), "it rests");
        let other = stage.handle.ask(message(2, 1, None, "hello"), origin(2, None)).await;
        assert_eq!(other.unwrap().seq, Seq::new(1), "others of the shard do not wait for it");
        stage.rest(1_000).await;
        assert_eq!(stage.log(1).await.len(), 1);
        stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
        let report = stage.handle.inspect(Shard::new(0), None).await.unwrap();
        assert_eq!(
            (report.figures.panics, report.figures.queued_commands, report.figures.queued_records),
            (1, 0, 0)
        );
    }
}
