//! An offset completes only when the task is done, ignored, parked durably, or buried durably.

use std::time::Duration;

use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::{Json, Text};
use denrei_queue::settings::{DeferTimeout, RetryPolicy, StaticSettings};
use denrei_queue::testing::Bench;
use denrei_queue::{Completion, Pipeline, Settings, Task, TaskError};
use denrei_storage::log::{Header, NewRecord, Offset, TimerQuery};
use tokio::sync::mpsc;

use crate::recorder::{names, pass, put, recorder};

fn three_tries() -> Settings {
    let retry =
        RetryPolicy { first_ms: 1_000, factor: 2.0, jitter: 0.0, attempts: 3, ..RetryPolicy::default() };
    Settings { retry, ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_is_tried_again_with_growing_delays_and_then_buried_with_the_reason() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, three_tries()).await;
    put(&bench, &["k=fail:a", "k=b"]).await;
    pass(60).await;
    let tries: Vec<_> = seen.lock().iter().filter(|(name, ..)| name == "fail:a").cloned().collect();
    assert_eq!(tries.iter().map(|(_, attempt, _)| *attempt).collect::<Vec<_>>(), [0, 1, 2]);
    let waits: Vec<u64> = tries.windows(2).map(|pair| pair[1].2 - pair[0].2).collect();
    assert!((1_000..1_100).contains(&waits[0]) && (2_000..2_100).contains(&waits[1]), "{waits:?}");
    let letters = bench.dead_letters(0).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value.as_deref(), Some(&b"fail:a"[..]));
    assert_eq!(letters[0].key.as_deref(), Some(&b"k"[..]));
    assert_eq!(Bench::header(&letters[0], "dl_reason"), "given up after 3 tries; the last: as told");
    assert_eq!(Bench::header(&letters[0], "dl_offset"), "0");
    assert_eq!(bench.committed(0).await, Some(Offset(2)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_reason_longer_than_any_record_is_cut_before_it_is_kept() {
    let bench = Bench::new("t", 1).await;
    let process = |task: Task<String>| async move {
        // Letters of two bytes after one of a single byte: a cut in the middle of one would be a panic.
        let reason = format!("a{}", "ä".repeat(1 << 20));
        if task.value == "long" { Err(TaskError::retry(reason)) } else { Ok(()) }
    };
    let subscription = bench.subscribe(Pipeline::new(Text, process), three_tries()).await;
    put(&bench, &["k=long", "l=other"]).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let waiting = admin.timers(&bench.place(0), TimerQuery::first(10)).await.unwrap();
    let lengths: Vec<usize> = waiting.iter().map(|timer| timer.reason.len()).collect();
    assert_eq!(lengths, [4_095], "what is put beside the task has a bound");
    pass(60).await;
    let letters = bench.dead_letters(0).await;
    let reason = Bench::header(&letters[0], "dl_reason");
    assert!(reason.starts_with("given up after 3 tries; the last: aä") && reason.len() <= 4_096);
    assert_eq!(bench.committed(0).await, Some(Offset(2)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_like_any_other_and_hurts_nobody_else() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, three_tries()).await;
    put(&bench, &["k=panic:a", "k=b", "l=c"]).await;
    pass(60).await;
    assert_eq!(names(&seen).iter().filter(|name| *name == "panic:a").count(), 3);
    assert!(names(&seen).contains(&"b".to_owned()) && names(&seen).contains(&"c".to_owned()));
    let letters = bench.dead_letters(0).await;
    assert!(Bench::header(&letters[0], "dl_reason").contains("the processor panicked: as told"));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_hopeless_task_is_buried_at_once() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, three_tries()).await;
    put(&bench, &["k=fatal:a"]).await;
    pass(60).await;
    assert_eq!(names(&seen).len(), 1);
    assert_eq!(Bench::header(&bench.dead_letters(0).await[0], "dl_reason"), "hopeless");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_buried_as_it_was() {
    let bench = Bench::new("t", 1).await;
    let pipeline = Pipeline::new(Json::<u32>::default(), |_: Task<u32>| async { Ok(()) });
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let producer = bench.log.producer();
    producer.send(NewRecord::new("t", "not json").key("k")).await.unwrap();
    let mut bad_header = NewRecord::new("t", "1").key(&b"\xff"[..]);
    bad_header.headers.push(Header::new("dt_meta", &b"\xff"[..]));
    producer.send(bad_header).await.unwrap();
    let mut tombstone = NewRecord::new("t", "");
    tombstone.value = None;
    producer.send(tombstone).await.unwrap();
    pass(5).await;
    let letters = bench.dead_letters(0).await;
    let reasons: Vec<String> = letters.iter().map(|letter| Bench::header(letter, "dl_reason")).collect();
    assert_eq!(letters.len(), 3, "{reasons:?}");
    let bad = letters.iter().find(|l| l.key.as_deref() == Some(&b"\xff"[..])).unwrap();
    assert_eq!(bad.header("dt_meta").unwrap().as_ref(), b"\xff");
    assert_eq!(bad.value.as_deref(), Some(&b"1"[..]));
    assert_eq!(bench.committed(0).await, Some(Offset(3)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_of_ignored_keys_complete_without_being_run_and_old_ones_are_buried() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings =
        Settings { ignore_keys: ["noise".to_owned()].into(), task_ttl_ms: 10_000, ..Settings::default() };
    put(&bench, &["k=old"]).await;
    pass(20).await;
    put(&bench, &["noise=x", "k=young"]).await;
    let subscription = bench.subscribe(pipeline, settings).await;
    pass(5).await;
    assert_eq!(names(&seen), ["young"]);
    let letters = bench.dead_letters(0).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(Bench::header(&letters[0], "dl_reason"), "the task is older than its time to live");
    assert_eq!(bench.committed(0).await, Some(Offset(3)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_wait_are_ignored_or_buried_like_any_other_when_they_are_due() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let retry = RetryPolicy { first_ms: 60_000, jitter: 0.0, ..RetryPolicy::default() };
    let settings = Settings { retry, ..Settings::default() };
    let source = StaticSettings::new(settings.clone()).unwrap();
    let builder = denrei_queue::Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    let subscription = builder.topic("t", pipeline).settings(&source).start().await.unwrap();
    let client = bench.client(Text);
    for (delay, key) in [(100, "noise"), (90, "delayed"), (1, "tried later")] {
        let task = if delay == 1 { format!("fail:{key}") } else { key.to_owned() };
        client.put_after(Duration::from_secs(delay), key, &task).await.unwrap();
    }
    put(&bench, &["tried=fail:tried"]).await;
    pass(5).await;
    assert_eq!(names(&seen), ["fail:tried", "fail:tried later"]);
    source
        .set(Settings { ignore_keys: ["noise".to_owned()].into(), task_ttl_ms: 60_500, ..settings })
        .unwrap();
    pass(200).await;
    // The first of those that failed is a minute old at its second try, and two minutes at its third; the other was not older while
    // it waited for its time.
    assert_eq!(
        names(&seen)[2..],
        ["fail:tried", "fail:tried later", "delayed"],
        "no older for having been told to wait"
    );
    let letters = bench.dead_letters(0).await;
    let reasons: Vec<String> = letters.iter().map(|letter| Bench::header(letter, "dl_reason")).collect();
    assert_eq!(reasons, ["the task is older than its time to live"; 2]);
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    assert_eq!(admin.timers(&bench.place(0), TimerQuery::first(10)).await.unwrap(), []);
    subscription.shutdown().await;
}

/// A processor that defers every task and hands out the handles.
fn deferring() -> (Pipeline, mpsc::UnboundedReceiver<(String, Completion)>) {
    let (handles, receiver) = mpsc::unbounded_channel();
    let process = move |task: Task<String>| {
        let handles = handles.clone();
        async move {
            let completion = task.context.defer();
            handles.send((task.value, completion)).map_err(TaskError::fatal)
        }
    };
    (Pipeline::new(Text, process), receiver)
}

#[tokio::test(start_paused = true)]
async fn a_deferred_task_frees_its_key_and_holds_the_watermark_until_its_handle_speaks() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, mut handles) = deferring();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=a", "k=b", "k=c"]).await;
    let (a, b, c) =
        (handles.recv().await.unwrap(), handles.recv().await.unwrap(), handles.recv().await.unwrap());
    assert_eq!((&*a.0, &*b.0, &*c.0), ("a", "b", "c"));
    b.1.done();
    c.1.done();
    pass(5).await;
    assert_eq!(bench.committed(0).await, Some(Offset(0)));
    a.1.done();
    pass(5).await;
    assert_eq!(bench.committed(0).await, Some(Offset(3)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_forgotten_or_takes_too_long_leads_to_a_retry() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, mut handles) = deferring();
    let settings = Settings { defer_timeout_ms: 5_000, ..three_tries() };
    let subscription = bench.subscribe(pipeline, settings).await;
    put(&bench, &["k=forgotten", "k=slow"]).await;
    drop(handles.recv().await.unwrap());
    let slow = handles.recv().await.unwrap();
    let again = [handles.recv().await.unwrap(), handles.recv().await.unwrap()];
    let mut names: Vec<&str> = again.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    assert_eq!(names, ["forgotten", "slow"]);
    slow.1.done();
    again.into_iter().for_each(|(_, completion)| completion.done());
    pass(5).await;
    assert_eq!(bench.committed(0).await, Some(Offset(2)));
    assert!(bench.dead_letters(0).await.is_empty());
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn giving_up_on_a_deferred_task_means_a_dead_letter() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, mut handles) = deferring();
    let settings =
        Settings { defer_timeout_ms: 5_000, defer_timeout: DeferTimeout::DeadLetter, ..Settings::default() };
    let subscription = bench.subscribe(pipeline, settings).await;
    put(&bench, &["k=slow"]).await;
    let _held = handles.recv().await.unwrap();
    pass(20).await;
    assert_eq!(
        Bench::header(&bench.dead_letters(0).await[0], "dl_reason"),
        "the deferred task took too long"
    );
    assert_eq!(bench.committed(0).await, Some(Offset(1)));
    subscription.shutdown().await;
}
