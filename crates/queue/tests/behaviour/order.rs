//! With `key_order = "hold"`, what comes of a task is known only when all before it are done: until then it waits in its order.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::Clock as _;
use denrei_queue::admin::{NumberedTimer, QueueAdmin};
use denrei_queue::codec::Text;
use denrei_queue::settings::{KeyOrder, RetryPolicy, StaticSettings};
use denrei_queue::testing::{Bench, HangingLog};
use denrei_queue::wire::RawTask;
use denrei_queue::{Pipeline, Settings, Subscription, Task, TaskError};
use denrei_storage::log::TimerQuery;

use crate::recorder::{Seen, names, pass, put, recorder};

fn holding() -> Settings {
    let retry = RetryPolicy { first_ms: 60_000, jitter: 0.0, ..RetryPolicy::default() };
    Settings { key_order: KeyOrder::Hold, retry, ..Settings::default() }
}

async fn put_after(bench: &Bench, seconds: u64, key: &str, task: &str) {
    let delay = Duration::from_secs(seconds);
    bench.client(Text).put_after(delay, key.to_owned(), &task.to_owned()).await.unwrap();
}

/// Runs tasks: "takes 5" takes five seconds, "fails 5" fails at its first try, after as many.
fn slow() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let theirs = Seen::clone(&seen);
    let process = move |task: Task<String>| {
        theirs.lock().push((task.value.clone(), task.context.attempt(), 0));
        async move {
            let Some((what, seconds)) = task.value.split_once(' ') else { return Ok(()) };
            if what == "takes" || task.context.attempt() == 0 {
                pass(seconds.parse().unwrap()).await;
            }
            if what == "fails" && task.context.attempt() == 0 {
                return Err(TaskError::retry("as told"));
            }
            Ok(())
        }
    };
    (Pipeline::new(Text, process), seen)
}

async fn subscribe(bench: &Bench, pipeline: Pipeline, settings: &StaticSettings) -> Subscription {
    let builder = Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    builder.topic("t", pipeline).settings(settings).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_queued_does_not_wait_behind_a_later_one_that_is_delayed() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    put(&bench, &["j=sleep:5000", "k=a"]).await;
    put_after(&bench, 600, "k", "b").await;
    put(&bench, &["k=c"]).await;
    let subscription = bench.subscribe(pipeline, holding()).await;
    pass(10).await;
    assert_eq!(names(&seen), ["sleep:5000", "a"]);
    pass(600).await;
    assert_eq!(names(&seen), ["sleep:5000", "a", "b", "c"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_waits_for_the_next_try_of_one_that_ran_when_it_came() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = slow();
    put(&bench, &["k=fails 5"]).await;
    put_after(&bench, 10, "k", "delayed").await;
    let subscription = bench.subscribe(pipeline, holding()).await;
    pass(100).await;
    assert_eq!(names(&seen), ["fails 5", "fails 5", "delayed"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_are_queued_run_before_later_ones_are_over_the_quota_and_count_once() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    put(&bench, &["k=sleep:1000"]).await;
    for n in 0..40 {
        put(&bench, &[&format!("k={n}")]).await;
    }
    let subscription = bench.subscribe(pipeline, Settings { per_key_rate: 2, ..holding() }).await;
    pass(60).await;
    assert_eq!(names(&seen)[1..], (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
    let at: Vec<u64> = seen.lock().iter().map(|(_, _, at)| *at).collect();
    let (at, last) = (at[19], at[40]);
    assert!(at < 1_500, "twenty may run at once: {at}");
    assert!((10_000..11_500).contains(&last), "twenty more take ten seconds: {last}");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_only_begin_to_wait_take_nothing_of_the_rate() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    put(&bench, &["k=sleep:5000"]).await;
    for n in 0..40 {
        put_after(&bench, 600, "k", "later").await;
        put(&bench, &[&format!("m{n}={n}")]).await;
    }
    let subscription = bench.subscribe(pipeline, Settings { processing_rate: 1, ..holding() }).await;
    pass(35).await;
    let ran = seen.lock().len();
    assert!((30..=37).contains(&ran), "{ran} in thirty seconds");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn timers_that_must_wait_do_not_keep_others_from_firing_nor_lose_their_place() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = Settings { max_held: 2, max_fired_timers: 5, ..holding() };
    let subscription = bench.subscribe(pipeline, settings).await;
    put_after(&bench, 300, "k", "first").await;
    put(&bench, &["k=1", "k=2", "k=3", "k=4"]).await;
    pass(5).await;
    let (admin, place) = (QueueAdmin::new(&*bench.log, bench.group()), bench.place(0));
    // What is parked already is moved to now, and as many more are put as may be fired at once.
    let timers = admin.timers(&place, TimerQuery::first(9)).await.unwrap();
    let second = timers.iter().find(|timer| timer.value == "1").unwrap();
    assert!(admin.move_timer(&place, second.id, bench.clock.now()).await.unwrap());
    pass(5).await;
    for number in 0..5 {
        let value = format!("number {number}").into();
        let task = RawTask { key: Some("k".into()), value, ..RawTask::default() };
        let timer = NumberedTimer { number, due: bench.clock.now(), task };
        admin.put_timers(&place, vec![timer]).await.unwrap();
    }
    put_after(&bench, 20, "other", "other").await;
    pass(60).await;
    assert_eq!(names(&seen), ["other"], "timers fire still");
    pass(300).await;
    assert_eq!(names(&seen)[1..6], ["first", "1", "2", "3", "4"]);
    assert_eq!(names(&seen).len(), 11);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn from_when_the_order_is_held_on_nothing_passes_what_waits_already() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = StaticSettings::new(Settings::default()).unwrap();
    let subscription = subscribe(&bench, pipeline, &settings).await;
    put_after(&bench, 100, "k", "0").await;
    put(&bench, &["k=overtakes"]).await;
    pass(5).await;
    settings.set(holding()).unwrap();
    put(&bench, &["k=1", "k=2", "l=other"]).await;
    pass(50).await;
    assert_eq!(names(&seen), ["overtakes", "other"]);
    pass(60).await;
    assert_eq!(names(&seen)[2..], ["0", "1", "2"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_there_was_no_room_for_is_not_forgotten_while_the_order_is_not_held() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = StaticSettings::new(Settings::default()).unwrap();
    let first = subscribe(&bench, pipeline.clone(), &settings).await;
    for n in 0..20 {
        put_after(&bench, 100 + n, &format!("k{n}"), &format!("{n}.0")).await;
    }
    pass(5).await;
    first.shutdown().await;
    settings.set(Settings { max_held_keys: 4, ..holding() }).unwrap();
    let next = subscribe(&bench, pipeline, &settings).await;
    pass(5).await;
    settings.set(Settings::default()).unwrap();
    pass(5).await;
    settings.set(holding()).unwrap();
    for n in 0..20 {
        put(&bench, &[&format!("k{n}={n}.1")]).await;
    }
    pass(50).await;
    assert!(names(&seen).is_empty(), "{:?}", names(&seen));
    pass(100).await;
    let expected: Vec<_> = (0..20).flat_map(|n| [format!("{n}.0"), format!("{n}.1")]).collect();
    assert_eq!(names(&seen), expected);
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn when_more_may_be_held_than_before_reading_goes_on() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = StaticSettings::new(holding()).unwrap();
    let first = subscribe(&bench, pipeline.clone(), &settings).await;
    put_after(&bench, 600, "k", "front").await;
    for n in 0..6 {
        put_after(&bench, 600, &format!("k{n}"), "front").await;
        put(&bench, &["k=behind"]).await;
    }
    pass(5).await;
    first.shutdown().await;
    let keys = |max_held_keys| Settings { max_held_keys, ..holding() };
    let behind = |max_held| Settings { max_held, ..holding() };
    for (round, few, more) in [(0, keys(5), keys(9)), (1, behind(4), behind(7))] {
        settings.set(few).unwrap();
        let next = subscribe(&bench, pipeline.clone(), &settings).await;
        put(&bench, &["z=read"]).await;
        pass(10).await;
        assert_eq!(names(&seen).len(), round, "there is no room");
        settings.set(more).unwrap();
        pass(5).await;
        assert_eq!(names(&seen).len(), round + 1, "now there is");
        next.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_comes_before_what_is_read_later_although_there_is_room_for_one_behind() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = slow();
    put(&bench, &["k=fails 5", "j=takes 10", "k=a"]).await;
    let subscription = bench.subscribe(pipeline, Settings { max_held: 1, ..holding() }).await;
    pass(7).await;
    put(&bench, &["k=b"]).await;
    pass(100).await;
    assert_eq!(names(&seen), ["fails 5", "takes 10", "fails 5", "a", "b"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_front_for_which_there_is_no_room_is_not_passed_by_what_is_queued() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = slow();
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let settings = Settings { partition_concurrency: 2, max_held_keys: 1, ..holding() };
    let subscription = bench.subscribe(pipeline, settings).await;
    pass(1).await;
    let tasks = [("z", "fails 5"), ("k", "fails 6"), ("i", "takes 20"), ("j", "takes 20")];
    for (number, (key, value)) in (0..).zip(tasks) {
        let task = RawTask { key: Some(key.into()), value: value.into(), ..RawTask::default() };
        let timer = NumberedTimer { number, due: bench.clock.now(), task };
        admin.put_timers(&bench.place(0), vec![timer]).await.unwrap();
    }
    pass(2).await;
    put(&bench, &["k=a"]).await;
    pass(50).await;
    assert_eq!(names(&seen), ["fails 5", "fails 6", "takes 20", "takes 20"]);
    pass(60).await;
    assert_eq!(names(&seen)[4..], ["fails 5", "fails 6", "a"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_on_its_way_to_wait_when_the_order_begins_to_be_held_holds_its_key() {
    let bench = Bench::new("t", 1).await;
    let log = Arc::new(HangingLog::new(bench.log.clone()));
    let settings = Arc::new(StaticSettings::new(Settings::default()).unwrap());
    let seen = Seen::default();
    let (theirs, hangs, set) = (Seen::clone(&seen), log.clone(), settings.clone());
    let process = move |task: Task<String>| {
        theirs.lock().push((task.value.clone(), 0, 0));
        if task.value == "hang" {
            hangs.hang();
            set.set(holding()).unwrap();
        }
        async { Ok(()) }
    };
    put(&bench, &["x=hang"]).await;
    put_after(&bench, 100, "k", "0").await;
    let builder = Subscription::builder(log.clone(), bench.clock.clone(), bench.group());
    let builder = builder.topic("t", Pipeline::new(Text, process)).settings(&*settings);
    let subscription = builder.start().await.unwrap();
    pass(3).await;
    put(&bench, &["k=1"]).await;
    log.go_on();
    pass(50).await;
    assert_eq!(names(&seen), ["hang"]);
    pass(60).await;
    assert_eq!(names(&seen), ["hang", "0", "1"]);
    subscription.shutdown().await;
}
