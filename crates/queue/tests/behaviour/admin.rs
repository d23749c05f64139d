//! What an administrator can see and do.

use std::time::Duration;

use denrei_model::Clock as _;
use denrei_queue::admin::{NumberedTimer, QueueAdmin, ResetTo, is_numbered};
use denrei_queue::codec::Text;
use denrei_queue::settings::RetryPolicy;
use denrei_queue::testing::Bench;
use denrei_queue::wire::{Format, METADATA_HEADER, RawTask};
use denrei_queue::{Pipeline, PutOptions, Settings, Task, TaskClient, TaskError};
use denrei_storage::log::{ErrorKind, Header, Offset, TimerQuery, TopicName};

use crate::recorder::{names, pass, put, recorder};

fn topic() -> TopicName {
    TopicName::from("t")
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_listed_put_back_and_thrown_away() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    put(&bench, &["k=fatal:a", "l=fatal:b"]).await;
    pass(5).await;
    let letters = admin.dead_letters(&topic(), 0, Offset(0), 10).await.unwrap();
    let about: Vec<_> = letters.iter().map(|l| (l.came_at, l.attempts, &*l.reason)).collect();
    assert_eq!(about, [(Offset(0), 0, "hopeless"), (Offset(1), 0, "hopeless")]);
    let redriven = admin.redrive(&bench.place(0), Offset(1), 1, Format::Header).await.unwrap();
    assert_eq!((redriven.tasks, redriven.next), (1, Offset(2)));
    pass(5).await;
    assert_eq!(names(&seen), ["fatal:a", "fatal:b", "fatal:b"]);
    assert_eq!(admin.count_dead_letters(&topic(), 0).await.unwrap(), 3);
    admin.purge(&topic(), 0, Offset(2)).await.unwrap();
    assert_eq!(admin.count_dead_letters(&topic(), 0).await.unwrap(), 1);
    assert_eq!(admin.count_dead_letters(&topic(), 9).await.unwrap(), 0);
    let left = admin.dead_letters(&topic(), 0, Offset(0), 10).await.unwrap();
    assert_eq!(left.iter().map(|l| l.came_at).collect::<Vec<_>>(), [Offset(2)]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_is_as_young_as_that_and_still_tells_when_it_was_made() {
    for format in [Format::Header, Format::Request] {
        let bench = Bench::new("t", 1).await;
        let made = bench.clock.now();
        let (seen, mut tries) = tokio::sync::mpsc::unbounded_channel();
        let process = move |task: Task<String>| {
            seen.send(task.context.metadata().timestamp()).unwrap();
            async move { Err::<(), _>(TaskError::retry("as told")) }
        };
        bench.client(Text).format(format).put("k", &"a".to_owned()).await.unwrap();
        pass(60).await;
        let retry = RetryPolicy { first_ms: 4_000, factor: 1.0, jitter: 0.0, ..RetryPolicy::default() };
        let settings = Settings { task_ttl_ms: 10_000, retry, ..Settings::default() };
        let subscription = bench.subscribe(Pipeline::new(Text, process).format(format), settings).await;
        pass(5).await;
        assert!(tries.try_recv().is_err() && bench.dead_letters(0).await.len() == 1, "it is too old");
        let admin = QueueAdmin::new(&*bench.log, bench.group());
        admin.redrive(&bench.place(0), Offset(0), 1, format).await.unwrap();
        pass(60).await;
        // Tried at 0, 4 and 8 seconds, and too old at 12: its age counts from then on, and is not forgotten by its retries.
        assert_eq!(std::iter::from_fn(|| tries.try_recv().ok()).collect::<Vec<_>>(), [made; 3]);
        let letters = bench.dead_letters(0).await;
        assert_eq!(Bench::header(&letters[1], "dl_reason"), "the task is older than its time to live");
        let again = admin.dead_letters(&topic(), 0, Offset(1), 1).await.unwrap().remove(0);
        let names: Vec<_> = again.headers.iter().map(|header| header.name.clone()).collect();
        assert!(names.iter().all(|name| name == METADATA_HEADER), "{names:?}");
        subscription.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn headers_of_a_task_are_its_own_whatever_their_names_when_it_is_put_back() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, _) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let own = [Header::new("dl_reason", "mine"), Header::new("dl_note", "mine too"), Header::new("x", "1")];
    let options = PutOptions { headers: own.to_vec(), ..PutOptions::default() };
    bench.client(Text).put_with(None, &"fatal:a".to_owned(), options).await.unwrap();
    pass(5).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    admin.redrive(&bench.place(0), Offset(0), 1, Format::Header).await.unwrap();
    pass(5).await;
    let letters = admin.dead_letters(&topic(), 0, Offset(0), 10).await.unwrap();
    let about: Vec<_> = letters.iter().map(|letter| (letter.came_at, &*letter.reason)).collect();
    assert_eq!(about, [(Offset(0), "hopeless"), (Offset(1), "hopeless")]);
    let put_back = bench.log.admin().read(&bench.place(0), Offset(1), 1).await.unwrap().remove(0);
    // On the topic one more says that it is as young as its record; it is none of the task's.
    let on_topic = [&own[..], &[Header::new("denrei_born", "")]].concat();
    let about =
        [(&letters[0].headers, &own[..]), (&put_back.headers, &on_topic), (&letters[1].headers, &own)];
    for (headers, expected) in about {
        let others: Vec<_> = headers.iter().filter(|h| h.name != METADATA_HEADER).cloned().collect();
        assert_eq!(others, expected);
    }
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn timers_are_listed_cancelled_and_moved() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let client: TaskClient<String> = bench.client(Text);
    for (delay, name) in [(100, "moved"), (200, "cancelled"), (300, "left")] {
        client.put_after(Duration::from_secs(delay), name, &name.to_owned()).await.unwrap();
    }
    pass(2).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let place = bench.place(0);
    let pending = admin.timers(&place, TimerQuery::first(10)).await.unwrap();
    let found: Vec<_> = pending.iter().map(|t| (&*t.why, t.value.as_ref())).collect();
    assert_eq!(found, [("Scheduled", &b"moved"[..]), ("Scheduled", b"cancelled"), ("Scheduled", b"left")]);
    assert!(admin.cancel_timer(&place, pending[1].id).await.unwrap());
    assert!(!admin.cancel_timer(&place, pending[1].id).await.unwrap());
    let due = pending[0].due.plus(Duration::from_secs(900));
    assert!(admin.move_timer(&place, pending[0].id, due).await.unwrap());
    pass(400).await;
    assert_eq!(names(&seen), ["left"]);
    pass(700).await;
    assert_eq!(names(&seen), ["left", "moved"]);
    subscription.shutdown().await;
}

fn numbered(bench: &Bench, number: u64, seconds: u64, content: &str) -> NumberedTimer {
    let task = RawTask { value: content.to_owned().into(), ..RawTask::default() };
    NumberedTimer { number, due: bench.clock.now().plus(Duration::from_secs(seconds)), task }
}

#[tokio::test(start_paused = true)]
async fn a_timer_put_twice_under_one_number_runs_once() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let place = bench.place(0);
    for _ in 0..2 {
        let timers = vec![numbered(&bench, 7, 100, "a"), numbered(&bench, 8, 200, "b")];
        admin.put_timers(&place, timers).await.unwrap();
    }
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    pass(50).await;
    admin.put_timers(&place, vec![numbered(&bench, 7, 50, "a again")]).await.unwrap();
    pass(49).await;
    assert_eq!(
        (names(&seen).len(), admin.timers(&place, TimerQuery::first(10)).await.unwrap().len()),
        (0, 2)
    );
    pass(200).await;
    assert_eq!(names(&seen), ["a again", "b"]);
    assert_eq!(admin.timers(&place, TimerQuery::first(10)).await.unwrap(), []);
    let refused = admin.put_timers(&place, vec![numbered(&bench, 1 << 62, 1, "c")]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_numbered_timer_is_retried_buried_and_put_back_like_any_task() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let timers = vec![numbered(&bench, 0, 1, "fail-once:a"), numbered(&bench, 1, 1, "fatal:b")];
    admin.put_timers(&bench.place(0), timers).await.unwrap();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    pass(20).await;
    assert_eq!(names(&seen), ["fail-once:a", "fatal:b", "fail-once:a"]);
    let letters = admin.dead_letters(&topic(), 0, Offset(0), 10).await.unwrap();
    assert_eq!(letters.iter().map(|l| is_numbered(l.came_at)).collect::<Vec<_>>(), [true]);
    admin.redrive(&bench.place(0), Offset(0), 10, Format::Header).await.unwrap();
    pass(5).await;
    assert_eq!(names(&seen)[3..], ["fatal:b"]);
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn lag_is_seen_and_offsets_are_set_while_nobody_reads() {
    let bench = Bench::new("t", 2).await;
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let (pipeline, seen) = recorder();
    put(&bench, &["k=a", "k=b", "k=c"]).await;
    let behind =
        |all: Vec<denrei_queue::admin::Lag>| all.iter().map(denrei_queue::admin::Lag::records).sum::<u64>();
    assert_eq!(behind(admin.lag(&topic()).await.unwrap()), 3);
    let subscription = bench.subscribe(pipeline.clone(), Settings::default()).await;
    pass(5).await;
    let lag = admin.lag(&topic()).await.unwrap();
    let place = lag.iter().find(|lag| lag.end == Offset(3)).unwrap().place.clone();
    assert_eq!(behind(lag), 0);
    let refused = admin.reset(&place, ResetTo::Earliest).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::GroupActive);
    subscription.shutdown().await;
    assert_eq!(admin.reset(&place, ResetTo::Offset(Offset(2))).await.unwrap(), Offset(2));
    let again = bench.subscribe(pipeline, Settings::default()).await;
    pass(5).await;
    assert_eq!(names(&seen), ["a", "b", "c", "c"]);
    again.shutdown().await;
}
