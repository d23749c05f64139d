//! With `key_order = "hold"` nothing passes an earlier task of its key.

use std::time::Duration;

use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Text;
use denrei_queue::settings::{KeyOrder, RetryPolicy};
use denrei_queue::testing::Bench;
use denrei_queue::{Pipeline, Settings, Task, TaskError};
use denrei_storage::log::{Offset, TimerChange, TimerQuery};

use crate::recorder::{Seen, names, pass, put, recorder};

fn holding() -> Settings {
    let retry = RetryPolicy { jitter: 0.0, attempts: 3, ..RetryPolicy::default() };
    Settings { key_order: KeyOrder::Hold, retry, partition_concurrency: 4, ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn later_tasks_of_a_key_wait_behind_one_that_is_retried_and_others_do_not() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    put(&bench, &["k=fail-once:a", "k=b", "l=x", "k=c", "l=y"]).await;
    let subscription = bench.subscribe(pipeline, holding()).await;
    pass(1).await;
    put(&bench, &["k=d"]).await;
    pass(30).await;
    let seen = names(&seen);
    let of_key: Vec<&String> = seen.iter().filter(|name| !["x", "y"].contains(&name.as_str())).collect();
    assert_eq!(of_key, ["fail-once:a", "fail-once:a", "b", "c", "d"]);
    assert_eq!(bench.committed(0).await, Some(Offset(6)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_given_up_makes_way_for_the_next() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    put(&bench, &["k=fail:a", "k=fail-once:b", "k=c"]).await;
    let subscription = bench.subscribe(pipeline, holding()).await;
    pass(60).await;
    assert_eq!(names(&seen), ["fail:a", "fail:a", "fail:a", "fail-once:b", "fail-once:b", "c"]);
    assert_eq!(bench.dead_letters(0).await.len(), 1);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_behind_outlives_its_owner() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let first = bench.subscribe(pipeline.clone(), holding()).await;
    bench.client(Text).put_after(Duration::from_secs(100), "k", &"a".to_owned()).await.unwrap();
    put(&bench, &["k=b", "k=c"]).await;
    pass(5).await;
    assert_eq!(bench.committed(0).await, Some(Offset(3)), "all three are durable as timers");
    drop(first);
    let next = bench.subscribe(pipeline, holding()).await;
    put(&bench, &["k=d"]).await;
    pass(50).await;
    assert!(names(&seen).is_empty());
    pass(60).await;
    assert_eq!(names(&seen), ["a", "b", "c", "d"]);
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_the_bound_waits_in_memory_and_in_order() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    bench.client(Text).put_after(Duration::from_secs(20), "k", &"first".to_owned()).await.unwrap();
    for n in 0..30 {
        put(&bench, &[&format!("k={n}")]).await;
    }
    let settings = Settings { max_held: 5, max_pending_records: 10, ..holding() };
    let subscription = bench.subscribe(pipeline, settings).await;
    pass(60).await;
    let expected: Vec<String> =
        std::iter::once("first".to_owned()).chain((0..30).map(|n| n.to_string())).collect();
    assert_eq!(names(&seen), expected);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_that_waited_behind_another_still_waits_for_its_own_time() {
    for max_held in [10_000, 1] {
        let bench = Bench::new("t", 1).await;
        let (pipeline, seen) = recorder();
        let client = bench.client(Text);
        for (delay, name) in [(10, "first"), (60, "second"), (30, "third"), (90, "fourth")] {
            client.put_after(Duration::from_secs(delay), "k", &name.to_owned()).await.unwrap();
        }
        put(&bench, &["k=last"]).await;
        let subscription = bench.subscribe(pipeline, Settings { max_held, ..holding() }).await;
        pass(120).await;
        assert_eq!(names(&seen), ["first", "second", "third", "fourth", "last"], "{max_held} held");
        let at: Vec<u64> = seen.lock().iter().map(|(_, _, at)| *at / 1_000).collect();
        assert_eq!(at, [10, 60, 60, 90, 90], "{max_held} held");
        subscription.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_ignored_or_too_old_at_its_turn_makes_way_for_the_next() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let client = bench.client(Text);
    client.put_after(Duration::from_secs(10), "k", &"first".to_owned()).await.unwrap();
    client.put_after(Duration::from_secs(20), "j", &"first".to_owned()).await.unwrap();
    put(&bench, &["k=a", "j=a", "k=b", "j=b"]).await;
    let source = denrei_queue::settings::StaticSettings::new(holding()).unwrap();
    let builder = denrei_queue::Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    let subscription = builder.topic("t", pipeline).settings(&source).start().await.unwrap();
    pass(5).await;
    source.set(Settings { ignore_keys: ["k".to_owned()].into(), ..holding() }).unwrap();
    pass(10).await;
    assert!(names(&seen).is_empty(), "it is ignored when it is due, and so is what waited behind it");
    source.set(Settings { task_ttl_ms: 1_000, ..holding() }).unwrap();
    pass(30).await;
    assert_eq!(names(&seen), ["first"], "what waited behind it is too old");
    assert_eq!(bench.dead_letters(0).await.len(), 2);
    assert_eq!(bench.committed(0).await, Some(Offset(6)));
    subscription.shutdown().await;
}

/// Runs tasks, but for those that begin with "later": they are to come back in an hour.
fn postponing() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let theirs = Seen::clone(&seen);
    let process = move |task: Task<String>| {
        theirs.lock().push((task.value.clone(), task.context.attempt(), 0));
        let hour = Duration::from_secs(3_600);
        let is_later = task.value.starts_with("later") && task.context.attempt() == 0;
        async move { if is_later { Err(TaskError::retry_after(hour, "later")) } else { Ok(()) } }
    };
    (Pipeline::new(Text, process), seen)
}

#[tokio::test(start_paused = true)]
async fn when_the_timer_in_front_of_a_key_is_cancelled_the_next_takes_its_place() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = postponing();
    let subscription = bench.subscribe(pipeline.clone(), holding()).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    put(&bench, &["k=later 1", "k=2", "k=later 3", "k=4"]).await;
    pass(5).await;
    assert_eq!(names(&seen), ["later 1"]);
    let front = async || admin.timers(&bench.place(0), TimerQuery::first(1)).await.unwrap().remove(0).id;
    assert!(admin.cancel_timer(&bench.place(0), front().await).await.unwrap());
    pass(5).await;
    assert_eq!(names(&seen), ["later 1", "2", "later 3"]);
    // And so it is for an owner that found the timer.
    subscription.shutdown().await;
    let next = bench.subscribe(pipeline, holding()).await;
    pass(5).await;
    assert_eq!(names(&seen).len(), 3);
    assert!(admin.cancel_timer(&bench.place(0), front().await).await.unwrap());
    pass(5).await;
    assert_eq!(names(&seen), ["later 1", "2", "later 3", "4"]);
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_in_front_of_a_key_that_cannot_be_read_is_buried_and_makes_way_for_the_next() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = postponing();
    let subscription = bench.subscribe(pipeline, holding()).await;
    put(&bench, &["k=later 1", "k=2"]).await;
    pass(5).await;
    let timers = bench.log.timers(&bench.group());
    let mut front = timers.list(&bench.place(0), TimerQuery::first(1)).await.unwrap();
    front[0].payload = "no task".into();
    timers.change(&bench.place(0), None, front.into_iter().map(TimerChange::Put).collect()).await.unwrap();
    pass(3_600).await;
    assert_eq!(names(&seen), ["later 1", "2"]);
    assert_eq!(bench.dead_letters(0).await.len(), 1);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_moved_beyond_the_others_is_not_taken_for_gone() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = postponing();
    // One timer at a time: those that come much later are not looked at.
    let subscription = bench.subscribe(pipeline, Settings { max_fired_timers: 1, ..holding() }).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    put(&bench, &["k=later 1", "k=2"]).await;
    pass(5).await;
    let front = admin.timers(&bench.place(0), TimerQuery::first(1)).await.unwrap().remove(0);
    for key in ["l", "m", "n", "o"] {
        put(&bench, &[&format!("{key}=later")]).await;
    }
    pass(5).await;
    let due = front.due.plus(Duration::from_secs(3_600));
    assert!(admin.move_timer(&bench.place(0), front.id, due).await.unwrap());
    pass(3_700).await;
    assert_eq!(names(&seen)[1..], ["later"; 8], "those of the other keys ran again");
    pass(3_600).await;
    assert_eq!(names(&seen)[9..], ["later 1", "2"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_front_that_is_cancelled_long_before_its_time_makes_way_although_many_timers_come_before_it() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = postponing();
    let subscription = bench.subscribe(pipeline, Settings { max_fired_timers: 1, ..holding() }).await;
    put(&bench, &["l=later", "m=later", "n=later", "o=later"]).await;
    pass(5).await;
    put(&bench, &["k=later 1", "k=2", "p=later 3", "p=4"]).await;
    pass(5).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let timers = admin.timers(&bench.place(0), TimerQuery::first(9)).await.unwrap();
    let front = timers.iter().find(|timer| timer.value == "later 1").unwrap();
    assert!(admin.cancel_timer(&bench.place(0), front.id).await.unwrap());
    pass(5).await;
    assert_eq!(
        names(&seen).last().map(String::as_str),
        Some("2"),
        "and the key that was not cancelled waits"
    );
    subscription.shutdown().await;
}
