//! How many keys may be held: no more is read then, nothing is lost, and no task passes another of its key.

use std::time::Duration;

use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Text;
use denrei_queue::settings::{KeyOrder, RetryPolicy};
use denrei_queue::testing::Bench;
use denrei_queue::{Pipeline, Settings, Task, TaskError};
use denrei_storage::log::{Offset, TimerQuery};

use crate::recorder::{Seen, names, pass, put, recorder};

fn holding(max_held_keys: usize) -> Settings {
    let retry = RetryPolicy { first_ms: 600_000, jitter: 0.0, ..RetryPolicy::default() };
    Settings {
        key_order: KeyOrder::Hold,
        retry,
        max_held_keys,
        partition_concurrency: 8,
        ..Settings::default()
    }
}

async fn put_after(bench: &Bench, seconds: u64, key: &str, task: &str) {
    bench
        .client(Text)
        .put_after(Duration::from_secs(seconds), key.to_owned(), &task.to_owned())
        .await
        .unwrap();
}

async fn waiting(bench: &Bench) -> usize {
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    admin.timers(&bench.place(0), TimerQuery::first(1_000)).await.unwrap().len()
}

/// Each task `<key>.<number>` ran once, and those of one key in order.
fn all_in_order(seen: &Seen, keys: usize, of_each: usize) {
    let seen = names(seen);
    assert_eq!(seen.len(), keys * of_each, "{seen:?}");
    for key in 0..keys {
        let of_key: Vec<&String> = seen.iter().filter(|name| name.starts_with(&format!("{key}."))).collect();
        assert_eq!(
            of_key,
            (0..of_each).map(|n| format!("{key}.{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_while_as_many_keys_are_held_as_may_be() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    // Half of them are to wait, half of them fail.
    for n in 0..30 {
        match n % 2 {
            0 => put_after(&bench, 600, &format!("k{n}"), &n.to_string()).await,
            _ => put(&bench, &[&format!("k{n}=fail-once:{n}")]).await,
        }
    }
    put(&bench, &["z=last"]).await;
    let subscription = bench.subscribe(pipeline, holding(5)).await;
    pass(590).await;
    assert_eq!(bench.committed(0).await, Some(Offset(5)), "five wait, and no more was read");
    // By then those that were to wait need not any more; of those that fail there are thirteen more.
    for seconds in 0..1_000 {
        assert!(waiting(&bench).await <= 5, "{} keys are held", waiting(&bench).await);
        assert!(seconds > 600 || !names(&seen).contains(&"last".to_owned()));
        pass(1).await;
    }
    assert!(!names(&seen).contains(&"last".to_owned()), "five at a time, for ten minutes each");
    pass(1_500).await;
    assert_eq!((names(&seen).len(), waiting(&bench).await), (15 + 30 + 1, 0));
    assert_eq!(bench.committed(0).await, Some(Offset(31)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn more_timers_than_may_be_known_at_once_are_not_passed_by_what_comes_later() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    // They wait while nobody holds the order, two of each key.
    let first = bench.subscribe(pipeline.clone(), Settings::default()).await;
    for n in 0..20 {
        put_after(&bench, 100 + 10 * n, &format!("k{n}"), &format!("{n}.0")).await;
        put_after(&bench, 1_000 - 10 * n, &format!("k{n}"), &format!("{n}.1")).await;
    }
    pass(5).await;
    first.shutdown().await;
    assert_eq!(waiting(&bench).await, 40);
    let next = bench.subscribe(pipeline, holding(4)).await;
    for n in 0..20 {
        put(&bench, &[&format!("k{n}={n}.2")]).await;
    }
    pass(1_100).await;
    all_in_order(&seen, 20, 3);
    assert_eq!(bench.committed(0).await, Some(Offset(60)));
    next.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_front_that_is_not_known_yet_waits_for_it_with_the_next_owner_too() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let first = bench.subscribe(pipeline.clone(), holding(100)).await;
    // The fronts of all keys but the last are due before its own.
    for n in 0..20 {
        put_after(&bench, 100 + 10 * n, &format!("k{n}"), &format!("{n}.0")).await;
    }
    for n in 0..20 {
        put(&bench, &[&format!("k{n}={n}.1"), &format!("k{n}={n}.2")]).await;
    }
    pass(5).await;
    assert_eq!(waiting(&bench).await, 60);
    first.shutdown().await;
    let next = bench.subscribe(pipeline, Settings { max_held: 7, ..holding(2) }).await;
    for n in 0..20 {
        put(&bench, &[&format!("k{n}={n}.3")]).await;
    }
    pass(90).await;
    assert!(names(&seen).is_empty(), "{:?}", names(&seen));
    pass(1_000).await;
    all_in_order(&seen, 20, 4);
    assert_eq!((bench.committed(0).await, waiting(&bench).await), (Some(Offset(80)), 0));
    next.shutdown().await;
}

/// Runs tasks: "slow" takes twelve seconds, "fail" fails once, after ten.
fn slow() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let theirs = Seen::clone(&seen);
    let process = move |task: Task<String>| {
        let attempt = task.context.attempt();
        theirs.lock().push((task.value.clone(), attempt, 0));
        async move {
            match task.value.as_str() {
                "slow" => pass(12).await,
                "fail" if attempt == 0 => {
                    pass(10).await;
                    return Err(TaskError::retry("as told"));
                }
                _ => {}
            }
            Ok(())
        }
    };
    (Pipeline::new(Text, process), seen)
}

#[tokio::test(start_paused = true)]
async fn tasks_that_run_still_and_may_fail_take_room_too() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = slow();
    for n in 0..30 {
        put(&bench, &[&format!("k{n}=fail")]).await;
    }
    let subscription = bench.subscribe(pipeline, holding(5)).await;
    pass(300).await;
    assert_eq!((names(&seen).len(), waiting(&bench).await), (5, 5));
    pass(4_000).await;
    assert_eq!((names(&seen).len(), waiting(&bench).await), (60, 0));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_front_that_was_not_known_and_runs_when_the_rest_is_looked_for_is_in_front_still() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = slow();
    let first = bench.subscribe(pipeline.clone(), holding(100)).await;
    for (seconds, key, task) in [(10, "a", "slow"), (10, "b", "slow"), (20, "f", "fail")] {
        put_after(&bench, seconds, key, task).await;
    }
    put(&bench, &["a=behind slow", "f=behind fail"]).await;
    pass(5).await;
    first.shutdown().await;
    // Two fronts and one behind are known, none of them of the key that fails.
    let next = bench.subscribe(pipeline, Settings { max_held: 1, ..holding(2) }).await;
    pass(60).await;
    assert_eq!(names(&seen), ["slow", "slow", "fail", "behind slow"]);
    pass(600).await;
    assert_eq!(names(&seen)[4..], ["fail", "behind fail"]);
    next.shutdown().await;
}

/// The next of a row of numbers below a bound: always the same for a seed.
fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Runs tasks, for up to three seconds each; those that begin with "fail-once" fail then, once.
fn lingering() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let theirs = Seen::clone(&seen);
    let process = move |task: Task<String>| {
        let attempt = task.context.attempt();
        theirs.lock().push((task.value.clone(), attempt, 0));
        async move {
            pass(task.value.bytes().map(u64::from).sum::<u64>() % 4).await;
            let fails = task.value.starts_with("fail-once") && attempt == 0;
            if fails { Err(TaskError::retry("as told")) } else { Ok(()) }
        }
    };
    (Pipeline::new(Text, process), seen)
}

/// Owners with bounds of their own come and go.
async fn tasks_and_owners(seed: u64) {
    let (mut state, bench) = (seed, Bench::new("t", 1).await);
    let (pipeline, seen) = if seed.is_multiple_of(2) { recorder() } else { lingering() };
    let mut numbers = [0; 6];
    for round in 0..6 {
        let retry = RetryPolicy { first_ms: 20_000, jitter: 0.0, attempts: 3, ..RetryPolicy::default() };
        let mut settings = Settings { retry, ..holding(1 + next(&mut state, 6) as usize) };
        settings.partition_concurrency = [1, 2, 8][next(&mut state, 3) as usize];
        settings.max_held = 1 + next(&mut state, 8) as usize;
        settings.max_pending_records = 1 + next(&mut state, 8) as usize;
        settings.per_key_rate = [-1, 1][next(&mut state, 2) as usize];
        let subscription = bench.subscribe(pipeline.clone(), settings).await;
        for _ in 0..20 {
            let key = next(&mut state, 6) as usize;
            let name = format!("{key}.{}", numbers[key]);
            numbers[key] += 1;
            match next(&mut state, 3) {
                0 => put_after(&bench, next(&mut state, 60), &format!("k{key}"), &name).await,
                1 => put(&bench, &[&format!("k{key}=fail-once:{name}")]).await,
                _ => put(&bench, &[&format!("k{key}={name}")]).await,
            }
        }
        pass(next(&mut state, 90) + if round == 5 { 6_000 } else { 0 }).await;
        subscription.shutdown().await;
    }
    assert_eq!(waiting(&bench).await, 0, "seed {seed}");
    assert_eq!(bench.committed(0).await, Some(Offset(120)), "seed {seed}");
    for (key, count) in numbers.into_iter().enumerate() {
        let of_key = |name: &String| {
            let own = name.rsplit(':').next().unwrap_or_default();
            own.strip_prefix(&format!("{key}.")).map(|number| number.parse::<u64>().unwrap())
        };
        let mut ran: Vec<u64> = names(&seen).iter().filter_map(of_key).collect();
        // One that failed ran twice, and nothing in between.
        ran.dedup();
        assert_eq!(ran, (0..count).collect::<Vec<_>>(), "seed {seed}, key {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_bounds_of_its_owners_no_task_is_lost_or_passes_another_of_its_key() {
    for seed in 0..40 {
        tasks_and_owners(seed).await;
    }
}
