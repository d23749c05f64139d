//! So many tries a second and key: of tasks that have just come, of those whose time has come, and of those that failed.

use std::time::Duration;

use denrei_model::Clock as _;
use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Text;
use denrei_queue::settings::{KeyOrder, RetryPolicy};
use denrei_queue::testing::Bench;
use denrei_queue::{PutOptions, Settings};
use denrei_storage::log::{Offset, TimerQuery};

use crate::recorder::{Seen, names, pass, put, recorder};

/// Two a second: twenty may run at once.
fn two_a_second() -> Settings {
    let retry = RetryPolicy { first_ms: 1, factor: 1.0, jitter: 0.0, attempts: 40, ..RetryPolicy::default() };
    Settings { per_key_rate: 2, retry, ..Settings::default() }
}

/// How many ran before this second.
fn before(seen: &Seen, second: u64) -> usize {
    seen.lock().iter().filter(|(_, _, at)| *at < second * 1_000).count()
}

#[tokio::test(start_paused = true)]
async fn tasks_whose_time_has_come_wait_their_turn_once_and_others_do_not() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, two_a_second()).await;
    let client = bench.client(Text);
    let in_ten_seconds = bench.clock.now().plus(Duration::from_secs(10));
    for n in 0..40 {
        let options = PutOptions { scheduled: Some(in_ten_seconds), ..PutOptions::default() };
        client.put_with(Some("busy".into()), &n.to_string(), options).await.unwrap();
    }
    client.put_after(Duration::from_secs(10), "quiet", &"quiet".to_owned()).await.unwrap();
    pass(11).await;
    assert!(names(&seen).contains(&"quiet".to_owned()));
    assert!((21..=24).contains(&seen.lock().len()), "{} in the first second", seen.lock().len());
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let waiting = admin.timers(&bench.place(0), TimerQuery::first(100)).await.unwrap();
    assert!(waiting.iter().all(|timer| timer.why == "Shaped") && waiting.len() + seen.lock().len() == 41);
    pass(60).await;
    let order: Vec<String> = names(&seen).into_iter().filter(|name| name != "quiet").collect();
    assert_eq!(order, (0..40).map(|n| n.to_string()).collect::<Vec<_>>(), "each once, in order");
    let last = seen.lock().last().unwrap().2;
    assert!((20_000..20_100).contains(&last), "twenty more take ten seconds, and not more: {last}");
    assert_eq!(admin.timers(&bench.place(0), TimerQuery::first(100)).await.unwrap(), []);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn each_try_counts() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, two_a_second()).await;
    put(&bench, &["k=fail:a"]).await;
    pass(60).await;
    assert_eq!(
        seen.lock().iter().map(|(_, attempt, _)| *attempt).collect::<Vec<_>>(),
        (0..40).collect::<Vec<_>>()
    );
    assert!((20..=22).contains(&before(&seen, 1)), "{} in the first second", before(&seen, 1));
    assert!((28..=32).contains(&before(&seen, 5)), "{} in five seconds", before(&seen, 5));
    assert_eq!(bench.dead_letters(0).await.len(), 1);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_order_held_none_passes_one_that_waits_for_the_quota() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = Settings { key_order: KeyOrder::Hold, ..two_a_second() };
    let subscription = bench.subscribe(pipeline, settings).await;
    for n in 0..15 {
        put(&bench, &[&format!("k={n}")]).await;
    }
    bench.client(Text).put_after(Duration::from_millis(10), "k", &"15".to_owned()).await.unwrap();
    for n in 16..40 {
        put(&bench, &[&format!("k={n}")]).await;
    }
    pass(1).await;
    assert!((20..=23).contains(&seen.lock().len()), "{} in the first second", seen.lock().len());
    put(&bench, &["k=40"]).await;
    pass(60).await;
    assert_eq!(names(&seen), (0..41).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(bench.committed(0).await, Some(Offset(41)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_a_partition_counts_tasks_whose_time_has_come() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription =
        bench.subscribe(pipeline, Settings { processing_rate: 10, ..Settings::default() }).await;
    for n in 0..200 {
        bench.client(Text).put_after(Duration::from_secs(5), format!("k{n}"), &n.to_string()).await.unwrap();
    }
    pass(15).await;
    assert!((100..=120).contains(&seen.lock().len()), "{} in ten seconds", seen.lock().len());
    pass(60).await;
    assert_eq!(seen.lock().len(), 200);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_behind_another_and_is_moved_to_now_neither_passes_it_nor_uses_up_the_quota() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = Settings { key_order: KeyOrder::Hold, ..two_a_second() };
    let subscription = bench.subscribe(pipeline, settings).await;
    bench.client(Text).put_after(Duration::from_secs(100), "k", &"0".to_owned()).await.unwrap();
    for n in 1..40 {
        put(&bench, &[&format!("k={n}")]).await;
    }
    pass(80).await;
    let (admin, place) = (QueueAdmin::new(&*bench.log, bench.group()), bench.place(0));
    for timer in admin.timers(&place, TimerQuery::first(100)).await.unwrap() {
        if timer.why == "Behind" {
            assert!(admin.move_timer(&place, timer.id, bench.clock.now()).await.unwrap());
        }
    }
    pass(15).await;
    assert!(names(&seen).is_empty(), "{:?} passed the one in front", names(&seen));
    pass(60).await;
    assert_eq!(names(&seen), (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
    let early = before(&seen, 101);
    assert!((20..=23).contains(&early), "{early} at once: none of them was counted while it waited");
    subscription.shutdown().await;
}
