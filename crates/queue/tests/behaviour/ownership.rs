//! Partitions that come and go: what is in flight ends first, and what was done is not done again.

use std::sync::Arc;
use std::time::Duration;

use denrei_queue::admin::{QueueAdmin, ResetTo};
use denrei_queue::testing::Bench;
use denrei_queue::{Settings, State};
use denrei_storage::log::Offset;

use crate::recorder::{names, pass, put, recorder};

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_what_is_in_flight_and_leaves_the_rest_to_the_next_owner() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline.clone(), Settings::default()).await;
    put(&bench, &["k=sleep:3000", "k=next"]).await;
    pass(1).await;
    let states = subscription.states();
    subscription.shutdown().await;
    assert_eq!(*states.borrow(), State::Terminated);
    assert_eq!(names(&seen), ["sleep:3000"]);
    assert_eq!(bench.committed(0).await, Some(Offset(1)));
    let next = bench.subscribe(pipeline, Settings::default()).await;
    pass(1).await;
    assert_eq!(names(&seen), ["sleep:3000", "next"]);
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_joins_takes_its_share_without_a_task_run_twice() {
    let bench = Bench::new("t", 4).await;
    let (pipeline, seen) = recorder();
    let first = bench.subscribe(pipeline.clone(), Settings::default()).await;
    let tasks: Vec<String> = (0..200).map(|n| format!("k{n}=sleep:{}", 100 + n)).collect();
    put(&bench, &tasks.iter().map(String::as_str).collect::<Vec<_>>()).await;
    pass(1).await;
    let second = bench.subscribe(pipeline, Settings::default()).await;
    pass(60).await;
    let mut all = names(&seen);
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    assert_eq!((count, all.len()), (200, 200));
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_done_above_the_watermark_is_not_done_again_after_a_crash() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = || Settings { partition_concurrency: 10, ..Settings::default() };
    let tasks: Vec<String> = (0..50).map(|n| format!("k{n}=t{n}")).collect();
    put(&bench, &["slow=sleep:600000"]).await;
    put(&bench, &tasks.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let subscription = bench.subscribe(pipeline.clone(), settings()).await;
    pass(5).await;
    assert_eq!(bench.committed(0).await, Some(Offset(0)), "the slow one holds the watermark");
    drop(subscription);
    let next = bench.subscribe(pipeline, settings()).await;
    pass(5).await;
    assert_eq!(names(&seen).len(), 52);
    assert_eq!(names(&seen).last().map(String::as_str), Some("sleep:600000"));
    drop(next);
}

#[tokio::test(start_paused = true)]
async fn timers_outlive_their_owner() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = || Settings { commit_interval_ms: 100, ..Settings::default() };
    let subscription = bench.subscribe(pipeline.clone(), settings()).await;
    put(&bench, &["k=fail-once:a"]).await;
    bench
        .client(denrei_queue::codec::Text)
        .put_after(Duration::from_secs(9), "k", &"b".to_owned())
        .await
        .unwrap();
    pass(0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(subscription);
    pass(60).await;
    assert_eq!(names(&seen), ["fail-once:a"]);
    let next = bench.subscribe(pipeline, settings()).await;
    pass(1).await;
    assert_eq!(names(&seen), ["fail-once:a", "fail-once:a", "b"]);
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_not_run_from_its_record_too_after_a_crash_before_a_commit() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = || Settings { commit_interval_ms: 3_600_000, ..Settings::default() };
    put(&bench, &["k=fail-once:a", "l=b"]).await;
    let subscription = bench.subscribe(pipeline.clone(), settings()).await;
    pass(0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(subscription);
    assert_eq!(names(&seen), ["fail-once:a", "b"]);
    let next = bench.subscribe(pipeline, settings()).await;
    pass(60).await;
    let mut all = names(&seen);
    all.sort_unstable();
    assert_eq!(
        all,
        ["b", "b", "fail-once:a", "fail-once:a"],
        "what was done and not committed, and the one retry"
    );
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn each_assignment_has_a_higher_token() {
    let bench = Bench::new("t", 1).await;
    let tokens = Arc::new(parking_lot::Mutex::new(Vec::new()));
    for n in 0..4 {
        put(&bench, &[&format!("k={n}")]).await;
        let theirs = Arc::clone(&tokens);
        let process = move |task: denrei_queue::Task<String>| {
            theirs.lock().push(task.context.token());
            async { Ok(()) }
        };
        let pipeline = denrei_queue::Pipeline::new(denrei_queue::codec::Text, process);
        let subscription = bench.subscribe(pipeline, Settings::default()).await;
        pass(2).await;
        if n == 1 {
            drop(subscription);
        } else {
            subscription.shutdown().await;
        }
        if n == 2 {
            let admin = QueueAdmin::new(&*bench.log, bench.group());
            for to in [ResetTo::Earliest, ResetTo::Offset(Offset(2))] {
                admin.reset(&bench.place(0), to).await.unwrap();
            }
        }
    }
    assert_eq!(*tokens.lock(), [1, 2, 3, 4, 4], "the third task again, and the fourth");
}
