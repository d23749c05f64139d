//! A shard forgets what nobody can ask for any more, and nothing else.

use std::time::Duration;

use denrei_actors::CommandError;
use denrei_actors::shard::{Sweep, SweepError, Swept};
use denrei_model::clock::Timestamp;
use denrei_model::position::{Revision, Seq};
use denrei_model::row::{AnswerKey, HeadKey, HeadRow, Key, OpKey};
use denrei_model::shard::Shard;
use denrei_storage::shard::EnqueueError;

use super::act::message;
use super::commits::ask;
use super::stage::{Setting, Stage, account, origin};

const DAY: Duration = Duration::from_secs(86_400);
const BEGIN: Sweep = Sweep::Answers { from: None };

/// Takes steps until nothing is left, and says how many rows went.
async fn sweep(stage: &Stage, shard: Shard, sweep: Sweep) -> usize {
    let (mut next, mut rows) = (Some(sweep), 0);
    while let Some(sweep) = next {
        let swept = stage.handle.sweep(shard, sweep).await.unwrap();
        (next, rows) = (swept.rest, rows + swept.rows);
    }
    rows
}

async fn sweep_answers(stage: &Stage) -> usize {
    let mut rows = 0;
    for shard in stage.handle.shards().all() {
        rows += sweep(stage, shard, BEGIN).await;
    }
    rows
}

async fn answers(stage: &Stage) -> usize {
    let key = |shard| AnswerKey { shard, day: 0, digest: [0; 16] };
    stage.rows(key(Shard::new(0)), key(Shard::new(u16::MAX))).await.len()
}

async fn send(stage: &Stage, key: Option<&str>) -> Result<Seq, String> {
    let sent = stage.handle.ask(message(1, 2, key, "hello"), origin(1, key)).await;
    sent.map(|sent| sent.seq).map_err(|error| error.to_string())
}

fn of(numbers: &[u8], before: Timestamp) -> Sweep {
    Sweep::Operations { accounts: numbers.iter().map(|number| account(*number)).collect(), before }
}

/// A person's head, and the revisions that are stored.
async fn log(stage: &Stage, number: u8) -> (HeadRow, Vec<u64>) {
    let key = |revision| OpKey { account: account(number), revision };
    let rows = stage.rows(key(Revision::ZERO), key(Revision::MAX)).await;
    let revision = |(key, _)| match key {
        Key::Op(key) => key.revision.get(),
        other => panic!("{other:?}"),
    };
    let head = stage.row(HeadKey { account: account(number) }).await.unwrap();
    (head, rows.into_iter().map(revision).collect())
}

#[actix::test]
async fn answers_go_when_their_keys_are_refused_and_not_before() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    let keys = ["20261124-a", "20261124-b", "20261125-c"];
    for (seq, key) in (1..).zip(keys) {
        assert_eq!(send(&stage, Some(key)).await, Ok(Seq::new(seq)));
    }
    assert_eq!((sweep_answers(&stage).await, answers(&stage).await), (0, 3));
    stage.clock.advance(DAY);
    assert_eq!(sweep_answers(&stage).await, 0, "the keys are yesterday's");
    assert_eq!(send(&stage, Some(keys[0])).await, Ok(Seq::new(1)), "the same answer again");
    stage.clock.advance(DAY);
    assert_eq!((sweep_answers(&stage).await, answers(&stage).await), (2, 1));
    let refused = stage.handle.ask(message(1, 2, Some(keys[0]), "hello"), origin(1, Some(keys[0]))).await;
    assert_eq!(refused, Err(CommandError::KeyExpired), "recognised, and not taken for a new request");
    assert_eq!(send(&stage, Some(keys[2])).await, Ok(Seq::new(3)));
    assert_eq!(sweep_answers(&stage).await, 0, "sweeping again does nothing");
}

#[actix::test]
async fn more_answers_than_a_step_takes_go_in_several() {
    let stage = Stage::with_people(Setting { shards: 1, ..Setting::default() }, 2).await;
    for number in 0..700 {
        send(&stage, Some(&format!("20261124-{number}"))).await.unwrap();
    }
    stage.clock.advance(DAY * 2);
    let first = stage.handle.sweep(Shard::new(0), BEGIN).await.unwrap();
    assert!(first.rows < 700, "{first:?}");
    assert_eq!(sweep(&stage, Shard::new(0), first.rest.unwrap()).await, 700 - first.rows);
    assert_eq!(answers(&stage).await, 0);
}

#[actix::test]
async fn a_log_forgets_old_operations_but_the_last_of_them_and_goes_on_where_it_was() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    for _ in 0..40 {
        send(&stage, None).await.unwrap();
    }
    stage.clock.advance(DAY * 15);
    let before = stage.clock_now();
    stage.rest(100).await;
    let shard = stage.shard(2);
    assert_eq!(sweep(&stage, shard, of(&[2], before)).await, 39);
    let (head, left) = log(&stage, 2).await;
    assert_eq!((head.revision.get(), head.first.get(), left), (40, 40, vec![40]));
    send(&stage, None).await.unwrap();
    stage.rest(100).await;
    let (next, left) = log(&stage, 2).await;
    assert_eq!((next.revision.get(), next.first.get(), left), (41, 40, vec![40, 41]));
    let row = stage.log(2).await.pop().unwrap();
    assert_eq!((row.tag, next.tag), (head.tag.chain(&row.stored), row.tag), "the chain is not broken");
    assert_eq!(sweep(&stage, shard, of(&[2], before)).await, 0, "the one before the young stays");
}

#[actix::test]
async fn a_long_log_and_many_accounts_go_in_several_steps() {
    let stage = Stage::with_people(Setting { shards: 1, ..Setting::default() }, 40).await;
    for to in 2..=40 {
        for _ in 0..20 {
            stage.handle.ask(message(1, to, None, "hello"), origin(1, None)).await.unwrap();
        }
    }
    stage.rest(500).await;
    stage.clock.advance(DAY);
    let everyone: Vec<u8> = (1..=40).collect();
    let rows = sweep(&stage, Shard::new(0), of(&everyone, stage.clock_now())).await;
    assert_eq!(rows, 39 * 20 - 1 + 39 * 19);
    for number in everyone {
        let (head, left) = log(&stage, number).await;
        assert_eq!((left, head.first), (vec![head.revision.get()], head.revision));
    }
}

#[actix::test]
async fn nothing_is_said_to_be_gone_before_it_is_and_a_crash_brings_it_back_whole() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    for _ in 0..5 {
        send(&stage, None).await.unwrap();
    }
    stage.rest(100).await;
    stage.clock.advance(DAY);
    let (shard, before) = (stage.shard(2), stage.clock_now());
    stage.store.hold();
    let (handle, step) = (stage.handle.clone(), of(&[2], before));
    let asked = actix::spawn(async move { handle.sweep(shard, step).await });
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    assert!(!asked.is_finished(), "no answer");
    stage.crash(0).await;
    assert_eq!(asked.await.unwrap(), Err(SweepError::Unavailable("the shard has stopped")));
    assert_eq!(log(&stage, 2).await.1, [1, 2, 3, 4, 5]);
    assert_eq!(sweep(&stage, shard, of(&[2], before)).await, 4);
    send(&stage, None).await.unwrap();
    stage.rest(100).await;
    let (head, left) = log(&stage, 2).await;
    assert_eq!((head.revision.get(), head.first.get(), left), (6, 5, vec![5, 6]));
}

#[actix::test]
async fn a_step_that_the_store_refuses_deletes_nothing() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    for _ in 0..3 {
        send(&stage, None).await.unwrap();
    }
    stage.rest(100).await;
    stage.clock.advance(DAY);
    let (shard, before) = (stage.shard(2), stage.clock_now());
    stage.store.refuse_next(EnqueueError::Full);
    let refused = stage.handle.sweep(shard, of(&[2], before)).await;
    assert_eq!(refused, Err(SweepError::Overloaded(Duration::from_secs(1))));
    assert_eq!(log(&stage, 2).await.1, [1, 2, 3]);
    assert_eq!(sweep(&stage, shard, of(&[2], before)).await, 2);
}

#[actix::test]
async fn a_shard_leaves_the_logs_of_other_shards_alone() {
    let stage = Stage::with_people(Setting { shards: 16, ..Setting::default() }, 2).await;
    for _ in 0..3 {
        send(&stage, None).await.unwrap();
    }
    stage.rest(100).await;
    stage.clock.advance(DAY);
    let (own, before) = (stage.shard(2), stage.clock_now());
    let other = stage.handle.shards().all().find(|shard| *shard != own).unwrap();
    let swept = stage.handle.sweep(other, of(&[2], before)).await;
    assert_eq!(swept, Ok(Swept { rows: 0, rest: None }));
    assert_eq!(log(&stage, 2).await.1, [1, 2, 3]);
}
