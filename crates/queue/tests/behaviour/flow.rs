//! Side by side and one after the other: keys, permits, bounds.

use denrei_queue::Settings;
use denrei_queue::codec::Text;
use denrei_queue::testing::Bench;
use denrei_storage::log::Offset;

use crate::recorder::{names, pass, put, recorder};

async fn time_to_run(concurrency: usize, tasks: &[&str]) -> (u64, Vec<String>) {
    let bench = Bench::new("t", 1).await;
    put(&bench, tasks).await;
    let (pipeline, seen) = recorder();
    let settings = Settings { partition_concurrency: concurrency, ..Settings::default() };
    let started = tokio::time::Instant::now();
    let subscription = bench.subscribe(pipeline, settings).await;
    while seen.lock().len() < tasks.len() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    subscription.shutdown().await;
    assert_eq!(bench.committed(0).await, Some(Offset(tasks.len() as u64)));
    (u64::try_from(started.elapsed().as_millis()).unwrap() / 100, names(&seen))
}

#[tokio::test(start_paused = true)]
async fn tasks_of_one_key_run_one_after_the_other_and_others_side_by_side() {
    let same = ["k=sleep:100"; 10];
    assert!((10..=11).contains(&time_to_run(20, &same).await.0));
    let keys: Vec<String> = (0..10).map(|n| format!("k{n}=sleep:100")).collect();
    let different: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(time_to_run(20, &different).await.0, 1);
    assert!((5..=6).contains(&time_to_run(2, &different).await.0));
    assert!((10..=11).contains(&time_to_run(1, &different).await.0));
    assert_eq!(time_to_run(0, &different).await.0, 1, "a permit per key");
}

#[tokio::test(start_paused = true)]
async fn a_slow_task_holds_its_key_and_nobody_else() {
    let (_, order) = time_to_run(2, &["slow=sleep:1000", "slow=after", "k=1", "k=2", "k=3"]).await;
    assert_eq!(order, ["sleep:1000", "1", "2", "3", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_partition_is_not_read_on_and_goes_on_when_there_is_room() {
    let bench = Bench::new("t", 1).await;
    for n in 0..3_000 {
        put(&bench, &[&format!("k{n}=sleep:10")]).await;
    }
    let (pipeline, seen) = recorder();
    let settings = Settings { max_pending_records: 4, max_pending_bytes: 1 << 20, ..Settings::default() };
    let subscription = bench.subscribe(pipeline, settings).await;
    pass(40).await;
    assert_eq!(seen.lock().len(), 3_000);
    subscription.shutdown().await;
    assert_eq!(bench.committed(0).await, Some(Offset(3_000)));
}

#[tokio::test(start_paused = true)]
async fn a_retried_task_lets_later_ones_of_its_key_pass() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=fail-once:a", "k=b"]).await;
    pass(10).await;
    assert_eq!(names(&seen), ["fail-once:a", "b", "fail-once:a"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_bytes_are_read_than_are_allowed_but_for_one_task_a_partition() {
    for partitions in [1, 2] {
        let bench = Bench::new("t", partitions).await;
        let (pipeline, seen) = recorder();
        // None of them ends while the test looks.
        let task = format!("sleep:{}3600000", "0".repeat(100_000));
        for n in 0..100 {
            bench.client(Text).put(format!("k{n}"), &task).await.unwrap();
        }
        let settings =
            Settings { partition_concurrency: 0, max_pending_bytes: 1_000_000, ..Settings::default() };
        let subscription = bench.subscribe(pipeline, settings).await;
        pass(60).await;
        let begun = seen.lock().len();
        assert!((9..=9 + partitions as usize).contains(&begun), "{begun} of 9.97 that fit");
        drop(subscription);
    }
}
