//! Shards as they say they are, and those that say nothing.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use denrei_actors::Origin;
use denrei_actors::account::Account;
use denrei_actors::command::{Command, Decision, Facts};
use denrei_actors::entity::EntityRef;
use denrei_actors::name::link::OfferLink;
use denrei_actors::rows::Rows;
use denrei_actors::shard::ShardFigures;
use denrei_model::clock::Timestamp;
use denrei_model::shard::Shard;
use denrei_storage::shard::Fetch;
use serde_json::{Value, json};

use super::stage::{NOON, SHARDS, Stage, account, device, until};
use crate::debug::shard::line;
use crate::debug::survey::{Answer, within};

#[actix_web::test]
async fn every_shard_has_a_line_and_a_page_of_its_own() {
    let stage = Stage::new(3).await;
    let list = stage.page("/debug/shards").await;
    let lines = list["shards"].as_array().unwrap();
    let numbers: Vec<&Value> = lines.iter().map(|line| &line["shard"]).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    let active: u64 = lines.iter().map(|line| line["active"].as_u64().unwrap()).sum();
    assert_eq!(active, 3);
    let accounts: u64 = lines.iter().map(|line| line["active_accounts"].as_u64().unwrap()).sum();
    assert_eq!(accounts, 3);
    let rests = |line: &&Value| line["queued_commands"] == 0 && line["mailbox"] == 0;
    assert!(lines.iter().all(|line| rests(&line) && line["last_error"].is_null()), "{list}");
    assert!(lines.iter().all(|line| line["oldest_waits_ms"].is_null()), "{list}");
    assert!(lines.iter().all(|line| line.get("entities").is_none()), "{list}");
    let shard = stage.debug.gateway.runtime.shards().of_account(account(1));
    let page = stage.page(&format!("/debug/shards/{shard}")).await;
    assert_eq!(page["state"], "running");
    let entities = page["report"]["entities"].as_array().unwrap();
    assert!(entities.contains(&json!(format!("Account({})", account(1)))), "{page}");
}

#[actix_web::test]
async fn codes_that_link_a_device_are_not_shown_among_the_active_names() {
    let stage = Stage::new(1).await;
    let until = Timestamp::from_millis(NOON + 60_000);
    let offer = OfferLink { code: "31415926".to_owned(), account: account(1), until };
    stage.act(1, offer).await.unwrap();
    let mut shown = String::new();
    for shard in 0..SHARDS {
        shown += &stage.ask(&format!("/debug/shards/{shard}")).await.body;
    }
    assert!(shown.contains("link:…") && !shown.contains("31415926"), "{shown}");
}

/// Stops the thread of a shard until it may go on.
struct Stop {
    stopped: Sender<()>,
    go_on: Receiver<()>,
}

impl Command for Stop {
    type Entity = Account;
    type Answer = ();
    type Refusal = Infallible;
    const NAME: &'static str = "stop";

    fn entity(&self) -> EntityRef {
        EntityRef::Account(account(1))
    }

    fn needs(&self) -> Fetch {
        Fetch::default()
    }

    fn decide(&self, _: &Account, _: &Rows, _: &Facts) -> Result<Decision<()>, Infallible> {
        let _ = self.stopped.send(());
        // Ends when the other side is dropped.
        let _ = self.go_on.recv();
        Ok(Decision::nothing(()))
    }
}

/// What does not stop anything.
fn nothing() -> Stop {
    Stop { stopped: channel().0, go_on: channel().1 }
}

#[actix_web::test]
async fn stuck_shards_are_shown_as_that_beside_those_that_answer() {
    let stage = Stage::on_arbiters(2).await;
    let runtime = stage.debug.gateway.runtime.clone();
    let stuck = runtime.shards().of_account(account(1));
    let ((stopped, has_stopped), (may_go_on, go_on)) = (channel(), channel());
    let origin = Origin::unkeyed(account(1), device(1));
    let asked = actix_rt::spawn(async move { runtime.ask(Stop { stopped, go_on }, origin).await });
    until(async || has_stopped.try_recv().ok()).await;
    let list = stage.page("/debug/shards").await;
    for line in list["shards"].as_array().unwrap() {
        // Shards take turns on the threads.
        let same_thread = line["shard"].as_u64().unwrap() % 2 == u64::from(stuck.get() % 2);
        assert_eq!(line["state"], if same_thread { "stuck" } else { "running" }, "{list}");
    }
    // What reaches it meanwhile is seen from outside.
    let (runtime, origin) = (stage.debug.gateway.runtime.clone(), Origin::unkeyed(account(1), device(1)));
    let later = actix_rt::spawn(async move { runtime.ask(nothing(), origin).await });
    until(async || (stage.debug.gateway.runtime.mailbox(stuck) == 1).then_some(())).await;
    let page = stage.page(&format!("/debug/shards/{stuck}")).await;
    assert_eq!(page, json!({"shard": stuck, "state": "stuck", "mailbox": 1, "report": null}));
    drop(may_go_on);
    later.await.unwrap().unwrap();
    assert_eq!(stage.debug.gateway.runtime.mailbox(stuck), 0);
    asked.await.unwrap().unwrap();
    let node = stage.page("/debug/node").await;
    assert_eq!(node["shards"]["running"], SHARDS);
}

#[actix_web::test]
async fn a_shard_is_waited_for_no_longer_than_it_may_take() {
    let stuck = within::<ShardFigures>(Duration::from_millis(1), pending()).await;
    assert!(matches!(stuck, Answer::Stuck));
    assert!(matches!(within::<ShardFigures>(Duration::from_secs(10), ready(None)).await, Answer::Stopped));
    let line = serde_json::to_value(line(Shard::new(3), 7, stuck)).unwrap();
    assert_eq!(line, json!({"shard": 3, "state": "stuck", "mailbox": 7}));
}

#[actix_web::test]
async fn shards_that_have_stopped_are_shown_as_that() {
    let mut stage = Stage::new(1).await;
    stage.stop_shards();
    let page = stage.page("/debug/shards/0").await;
    assert_eq!(page, json!({"shard": 0, "state": "stopped", "mailbox": 0, "report": null}));
    let node = stage.page("/debug/node").await;
    assert_eq!(node["shards"]["stopped"], SHARDS);
    let account = stage.page(&format!("/debug/accounts/{}", account(1))).await;
    assert_eq!(account["row"]["profile"]["name"], "person 1", "rows are shown all the same");
    assert_eq!(account["whereabouts"]["entity"], Value::Null);
}
