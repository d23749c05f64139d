//! When tasks run: not before their time, at their rate, and nobody waits for another's delay.

use std::time::Duration;

use denrei_queue::codec::Text;
use denrei_queue::testing::Bench;
use denrei_queue::{PutOptions, Settings};
use denrei_storage::log::Offset;

use crate::recorder::{names, pass, put, recorder};

#[tokio::test(start_paused = true)]
async fn delayed_tasks_fire_in_the_order_of_their_times_and_hold_up_nobody() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let client = bench.client(Text);
    for (delay, name) in [(600, "late"), (30, "soon"), (300, "middle")] {
        client.put_after(Duration::from_secs(delay), "k", &name.to_owned()).await.unwrap();
    }
    put(&bench, &["k=now"]).await;
    pass(5).await;
    assert_eq!(names(&seen), ["now"]);
    assert_eq!(bench.committed(0).await, Some(Offset(4)), "a timer that is durable completes its offset");
    pass(700).await;
    assert_eq!(names(&seen), ["now", "soon", "middle", "late"]);
    let at: Vec<u64> = seen.lock().iter().map(|(_, _, at)| *at).collect();
    assert!((30_000..30_100).contains(&at[1]) && (600_000..600_100).contains(&at[3]), "{at:?}");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn fifty_thousand_delays_on_one_partition_are_kept_none_is_early_and_others_do_not_wait_for_them() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let client = bench.client(Text);
    let now = denrei_model::Clock::now(&*bench.clock);
    let key = |n: u64| format!("k{}", n % 100);
    for n in 0..50_000_u64 {
        let due = n * 7919 % 60_000;
        let scheduled = Some(now.plus(Duration::from_millis(due)));
        let options = PutOptions { scheduled, ..PutOptions::default() };
        client.put_with(Some(key(n).into()), &format!("later:{due}"), options).await.unwrap();
        if n % 500 == 0 {
            client.put(key(n), &"now:0".to_owned()).await.unwrap();
        }
    }
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    // One in the midst of each 80 or so that come due, of the same keys.
    for n in 0..600_u64 {
        client.put(key(n), &format!("now:{}", n * 100)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    pass(10).await;
    let late = |kind: &str| -> Vec<u64> {
        let seen = seen.lock();
        let of_kind = seen.iter().filter_map(|(name, _, at)| Some((name.split_once(':')?, *at)));
        let of_kind = of_kind.filter(|((of, _), _)| *of == kind);
        of_kind.map(|((_, due), at)| at.checked_sub(due.parse().unwrap()).expect("none is early")).collect()
    };
    let (later, now) = (late("later"), late("now"));
    assert_eq!((later.len(), now.len()), (50_000, 700));
    let over = later.iter().filter(|late| **late > 500).count();
    assert!(over < 500, "{over} of 50,000 were more than 500 ms late");
    assert!(now.iter().all(|late| *late <= 100), "{:?} ms after it was put", now.iter().max());
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_keeps_its_rate_and_a_rate_of_nought_stops_it() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let source =
        denrei_queue::settings::StaticSettings::new(Settings { processing_rate: 10, ..Settings::default() });
    let source = source.unwrap();
    let builder = denrei_queue::Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    let subscription = builder.topic("t", pipeline).settings(&source).start().await.unwrap();
    for n in 0..300 {
        put(&bench, &[&format!("k{n}={n}")]).await;
    }
    pass(10).await;
    let after_ten = seen.lock().len();
    assert!((90..=110).contains(&after_ten), "{after_ten}");
    source.set(Settings { processing_rate: 0, ..Settings::default() }).unwrap();
    pass(2).await;
    let stopped = seen.lock().len();
    pass(30).await;
    assert!(seen.lock().len() <= stopped + 1);
    source.set(Settings::default()).unwrap();
    pass(3).await;
    assert_eq!(seen.lock().len(), 300);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_over_its_quota_waits_and_the_others_do_not() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let settings = Settings { per_key_rate: 2, ..Settings::default() };
    let subscription = bench.subscribe(pipeline, settings).await;
    for n in 0..40 {
        put(&bench, &[&format!("busy=b{n}")]).await;
    }
    put(&bench, &["quiet=q"]).await;
    pass(1).await;
    let busy = |seen: &[String]| seen.iter().filter(|name| name.starts_with('b')).count();
    assert!(names(&seen).contains(&"q".to_owned()));
    assert!((20..=23).contains(&busy(&names(&seen))), "{}", busy(&names(&seen)));
    pass(15).await;
    assert_eq!(busy(&names(&seen)), 40);
    let order: Vec<String> = names(&seen).into_iter().filter(|name| name.starts_with('b')).collect();
    assert_eq!(order, (0..40).map(|n| format!("b{n}")).collect::<Vec<_>>());
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_neither_loses_a_timer_nor_fires_one_before_what_it_shows() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let client = bench.client(Text);
    client.put_after(Duration::from_secs(100), "k", &"a".to_owned()).await.unwrap();
    pass(5).await;
    bench.clock.jump(-50_000);
    pass(100).await;
    assert!(names(&seen).is_empty(), "the clock went back: it is not time yet");
    pass(50).await;
    assert_eq!(names(&seen), ["a"]);
    client.put_after(Duration::from_secs(3_600), "k", &"b".to_owned()).await.unwrap();
    pass(1).await;
    bench.clock.jump(3_600_000);
    pass(3).await;
    assert_eq!(names(&seen), ["a", "b"], "the clock went on: it is time");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_neither_uses_up_the_quota_of_a_key_nor_grants_it() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings { per_key_rate: 2, ..Settings::default() }).await;
    let begun = async |tasks: u32| {
        seen.lock().clear();
        for n in 0..tasks {
            put(&bench, &[&format!("k={n}")]).await;
        }
        pass(1).await;
        seen.lock().len()
    };
    assert_eq!(begun(20).await, 20, "ten seconds' worth");
    bench.clock.jump(3_600_000);
    let granted = begun(10).await;
    assert!((2..=4).contains(&granted), "{granted} at two a second, although an hour seems to be over");
    pass(60).await;
    bench.clock.jump(-3_600_000);
    assert_eq!(begun(10).await, 10, "it was idle for a minute");
    subscription.shutdown().await;
}
