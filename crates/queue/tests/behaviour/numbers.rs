//! Timers under numbers of their caller's own: one waits under a number, and nothing that was put is lost.

use std::time::Duration;

use denrei_model::Clock as _;
use denrei_queue::admin::{NumberedTimer, PendingTimer, QueueAdmin};
use denrei_queue::codec::Text;
use denrei_queue::settings::{KeyOrder, RetryPolicy};
use denrei_queue::testing::Bench;
use denrei_queue::wire::RawTask;
use denrei_queue::{Pipeline, Settings, Subscription, Task, TaskError};
use denrei_storage::log::{Place, TimerQuery};

use crate::recorder::{Seen, names, pass, put, recorder};

struct Ground {
    bench: Bench,
    admin: QueueAdmin,
    place: Place,
}

impl Ground {
    async fn new() -> Self {
        let bench = Bench::new("t", 1).await;
        let (admin, place) = (QueueAdmin::new(&*bench.log, bench.group()), bench.place(0));
        Self { bench, admin, place }
    }

    fn timer(&self, seconds: u64, content: &str) -> NumberedTimer {
        let task = RawTask { value: content.to_owned().into(), ..RawTask::default() };
        NumberedTimer { number: 7, due: self.bench.clock.now().plus(Duration::from_secs(seconds)), task }
    }

    async fn put(&self, seconds: u64, content: &str) {
        self.admin.put_timers(&self.place, vec![self.timer(seconds, content)]).await.unwrap();
    }

    async fn waiting(&self) -> Vec<PendingTimer> {
        self.admin.timers(&self.place, TimerQuery::first(10)).await.unwrap()
    }

    async fn subscribe(&self, pipeline: Pipeline) -> Subscription {
        self.subscribe_with(60_000, pipeline).await
    }

    async fn subscribe_with(&self, first_ms: u64, pipeline: Pipeline) -> Subscription {
        let retry = RetryPolicy { first_ms, jitter: 0.0, ..RetryPolicy::default() };
        self.bench.subscribe(pipeline, Settings { retry, ..Settings::default() }).await
    }
}

/// Runs tasks for five seconds each; those that begin with "fail" fail then.
fn slow() -> (Pipeline, Seen) {
    let seen = Seen::default();
    let theirs = Seen::clone(&seen);
    let process = move |task: Task<String>| {
        theirs.lock().push((task.value.clone(), task.context.attempt(), 0));
        async move {
            pass(5).await;
            if task.value.starts_with("fail") { Err(TaskError::retry("as told")) } else { Ok(()) }
        }
    };
    (Pipeline::new(Text, process), seen)
}

#[tokio::test(start_paused = true)]
async fn what_is_put_while_the_task_of_its_number_runs_is_run_after_it() {
    for again in ["first", "another"] {
        let ground = Ground::new().await;
        let (pipeline, seen) = slow();
        let first = ground.timer(0, "first");
        ground.admin.put_timers(&ground.place, vec![first.clone()]).await.unwrap();
        let subscription = ground.subscribe(pipeline).await;
        pass(2).await;
        // The very same, for all that can be seen of it, is to be run again as well.
        let again_at_once = NumberedTimer { task: ground.timer(0, again).task, ..first };
        ground.admin.put_timers(&ground.place, vec![again_at_once]).await.unwrap();
        pass(2).await;
        assert_eq!(names(&seen), ["first"], "one at a time");
        pass(10).await;
        assert_eq!(names(&seen), ["first", again]);
        assert_eq!(ground.waiting().await, []);
        subscription.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_put_takes_the_place_of_a_task_that_would_be_tried_again() {
    // Put while it runs, with the next try to come long after it or at once, and put while it waits for its next try.
    for (seconds, first_ms) in [(2, 60_000), (2, 1), (20, 60_000)] {
        let ground = Ground::new().await;
        let (pipeline, seen) = slow();
        ground.put(0, "fail").await;
        let subscription = ground.subscribe_with(first_ms, pipeline).await;
        pass(seconds).await;
        ground.put(100, "another").await;
        pass(20).await;
        assert_eq!(ground.waiting().await.iter().map(|t| &t.value[..]).collect::<Vec<_>>(), [b"another"]);
        pass(200).await;
        assert_eq!(
            names(&seen),
            ["fail", "another"],
            "put after {seconds} s, with a try {first_ms} ms later"
        );
        assert_eq!(ground.waiting().await, []);
        subscription.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_try_of_a_task_has_its_number_still() {
    let ground = Ground::new().await;
    let (pipeline, seen) = slow();
    ground.put(0, "fail").await;
    let subscription = ground.subscribe(pipeline).await;
    pass(20).await;
    let first = ground.waiting().await.remove(0);
    assert_eq!((first.why.as_str(), first.metadata.attempt()), ("Retry", 1));
    pass(60).await;
    let second = ground.waiting().await.remove(0);
    assert_eq!((second.id, second.metadata.attempt()), (first.id, 2));
    assert_eq!(seen.lock().iter().map(|(_, attempt, _)| *attempt).collect::<Vec<_>>(), [0, 1]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_moved_while_its_task_runs_is_not_run_once_more() {
    let ground = Ground::new().await;
    let (pipeline, seen) = slow();
    ground.put(1, "numbered").await;
    ground.bench.client(Text).put_after(Duration::from_secs(1), "k", &"a record".to_owned()).await.unwrap();
    let subscription = ground.subscribe(pipeline).await;
    pass(3).await;
    for timer in ground.waiting().await {
        let due = timer.due.plus(Duration::from_secs(100));
        assert!(ground.admin.move_timer(&ground.place, timer.id, due).await.unwrap());
    }
    pass(300).await;
    let mut seen = names(&seen);
    seen.sort_unstable();
    assert_eq!(seen, ["a record", "numbered"]);
    assert_eq!(ground.waiting().await, []);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_timer_is_cancelled_while_it_runs_is_not_tried_again() {
    let ground = Ground::new().await;
    let (pipeline, seen) = slow();
    ground.put(0, "fail").await;
    let subscription = ground.subscribe(pipeline).await;
    pass(2).await;
    let timer = ground.waiting().await.remove(0);
    assert!(ground.admin.cancel_timer(&ground.place, timer.id).await.unwrap());
    pass(300).await;
    assert_eq!(names(&seen), ["fail"]);
    assert_eq!(ground.waiting().await, []);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_timer_is_cancelled_while_its_task_runs_is_not_tried_again_however_soon_that_would_be()
{
    for (first_ms, cancelled_after) in [(60_000, 3), (1, 3), (60_000, 70), (400, 8)] {
        let ground = Ground::new().await;
        let (pipeline, seen) = slow();
        let fails = "fail".to_owned();
        ground.bench.client(Text).put_after(Duration::from_secs(1), "k", &fails).await.unwrap();
        let subscription = ground.subscribe_with(first_ms, pipeline).await;
        pass(cancelled_after).await;
        let begun = names(&seen).len();
        let timer = ground.waiting().await.remove(0);
        assert!(ground.admin.cancel_timer(&ground.place, timer.id).await.unwrap());
        pass(600).await;
        assert_eq!(names(&seen).len(), begun, "tried {first_ms} ms later, cancelled at {cancelled_after} s");
        assert_eq!(ground.waiting().await, []);
        subscription.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_held_goes_on_when_the_task_in_front_is_cancelled_while_it_runs() {
    let ground = Ground::new().await;
    let (pipeline, seen) = slow();
    ground.bench.client(Text).put_after(Duration::from_secs(1), "k", &"fail".to_owned()).await.unwrap();
    put(&ground.bench, &["k=behind"]).await;
    let retry = RetryPolicy { first_ms: 3_600_000, cap_ms: 3_600_000, jitter: 0.0, ..RetryPolicy::default() };
    let settings = Settings { key_order: KeyOrder::Hold, retry, ..Settings::default() };
    let subscription = ground.bench.subscribe(pipeline, settings).await;
    pass(3).await;
    let timer = ground.waiting().await.remove(0);
    assert!(ground.admin.cancel_timer(&ground.place, timer.id).await.unwrap());
    pass(20).await;
    assert_eq!(names(&seen), ["fail", "behind"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_free_once_its_front_gave_way_to_a_task_of_another_key() {
    let ground = Ground::new().await;
    let (pipeline, seen) = recorder();
    let of_key = |key: &'static str, seconds, content| {
        let mut timer = ground.timer(seconds, content);
        timer.task.key = Some(key.into());
        timer
    };
    ground.admin.put_timers(&ground.place, vec![of_key("k", 3_600, "front")]).await.unwrap();
    let settings = Settings { key_order: KeyOrder::Hold, ..Settings::default() };
    let subscription = ground.bench.subscribe(pipeline, settings).await;
    put(&ground.bench, &["k=behind"]).await;
    pass(5).await;
    ground.admin.put_timers(&ground.place, vec![of_key("k", 1_800, "of the same key")]).await.unwrap();
    pass(5).await;
    assert!(names(&seen).is_empty());
    ground.admin.put_timers(&ground.place, vec![of_key("l", 900, "instead")]).await.unwrap();
    pass(5).await;
    assert_eq!(names(&seen), ["behind"], "it does not wait until the other is due");
    pass(900).await;
    assert_eq!(names(&seen), ["behind", "instead"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_no_older_for_having_waited_until_it_was_due_moved_or_not() {
    let ground = Ground::new().await;
    let (pipeline, seen) = recorder();
    let settings = Settings { task_ttl_ms: 10_000, ..Settings::default() };
    let subscription = ground.bench.subscribe(pipeline, settings).await;
    ground.bench.client(Text).put_after(Duration::from_secs(5), "k", &"moved".to_owned()).await.unwrap();
    pass(1).await;
    let timer = ground.waiting().await.remove(0);
    let due = timer.due.plus(Duration::from_secs(100));
    assert!(ground.admin.move_timer(&ground.place, timer.id, due).await.unwrap());
    ground.put(50, "numbered").await;
    pass(200).await;
    assert_eq!(names(&seen), ["numbered", "moved"]);
    subscription.shutdown().await;
}
