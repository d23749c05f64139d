//! When sweeps are due, by table; and plans that follow each other on a log in memory, without a day being lost or doubled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use denrei_actors::runtime::Foundation;
use denrei_actors::{Runtime, RuntimeOptions};
use denrei_model::clock::{Clock, ManualClock, Timestamp};
use denrei_model::shard::ShardMap;
use denrei_queue::admin::QueueAdmin;
use denrei_storage::log::{LocalLog, LocalOptions, Log, Place, TimerQuery};
use denrei_storage::memory::{MemoryOptions, MemoryStore};

use super::schedule::{Job, next_plan, plan_after, sweeps};
use super::{GROUP, TOPIC, start};
use crate::jobs::JobsConfig;
use crate::jobs::open::Ground;
use crate::jobs::queue::Queue;

const HOUR: u64 = 3_600_000;
/// 2026-11-24T00:00:00Z.
const MIDNIGHT: u64 = 1_795_478_400_000;

fn check(now: u64, hour: u8, day: u32, due: u64) {
    let found = next_plan(Timestamp::from_millis(now), hour);
    assert_eq!(found, (Job::Plan { day, turn: 0 }, Timestamp::from_millis(due)), "{now}, at {hour}");
}

#[test]
fn the_next_plan_is_due_at_its_hour_and_never_now() {
    check(MIDNIGHT, 3, 20_261_124, MIDNIGHT + 3 * HOUR);
    check(MIDNIGHT + 3 * HOUR - 1, 3, 20_261_124, MIDNIGHT + 3 * HOUR);
    check(MIDNIGHT + 3 * HOUR, 3, 20_261_125, MIDNIGHT + 27 * HOUR);
    check(MIDNIGHT + 23 * HOUR, 3, 20_261_125, MIDNIGHT + 27 * HOUR);
    check(MIDNIGHT, 0, 20_261_125, MIDNIGHT + 24 * HOUR);
    check(MIDNIGHT - 1, 0, 20_261_124, MIDNIGHT);
    check(MIDNIGHT + 22 * HOUR, 23, 20_261_124, MIDNIGHT + 23 * HOUR);
}

#[test]
fn a_plan_is_followed_by_that_of_the_next_hour_and_never_by_itself() {
    let after = |day, turn, now| plan_after(day, turn, Timestamp::from_millis(now), 3);
    let plan = |day, turn, due| (Job::Plan { day, turn }, Timestamp::from_millis(due));
    let (today, tomorrow) = (MIDNIGHT + 3 * HOUR, MIDNIGHT + 27 * HOUR);
    assert_eq!(after(20_261_124, 0, today), plan(20_261_125, 0, tomorrow), "at its hour");
    assert_eq!(after(20_261_124, 7, today), plan(20_261_125, 0, tomorrow), "at its hour, after early ones");
    assert_eq!(after(20_261_124, 0, MIDNIGHT), plan(20_261_124, 1, today), "early");
    assert_eq!(
        after(20_261_124, 0, MIDNIGHT + 1),
        plan(20_261_124, 1, today),
        "early, and again after a crash"
    );
    assert_eq!(after(20_261_124, 1, MIDNIGHT), plan(20_261_124, 2, today), "early once more");
    assert_eq!(after(20_261_203, 0, MIDNIGHT), plan(20_261_124, 0, today), "days too early");
}

#[test]
fn a_plan_that_an_older_node_put_can_be_read() {
    let plan = Job::Plan { day: 20_261_124, turn: 0 };
    assert_eq!(serde_json::to_string(&plan).unwrap(), r#"{"job":"plan","day":20261124}"#);
    assert_eq!(serde_json::from_str::<Job>(r#"{"job":"plan","day":20261124}"#).unwrap(), plan);
}

#[test]
fn every_job_of_every_day_has_a_number_of_its_own() {
    let now = Timestamp::from_millis(MIDNIGHT);
    let shards = ShardMap::new(u16::MAX, 0);
    let mut numbers = BTreeSet::new();
    let mut count = 0;
    for day in [20_261_124, 20_261_125, 99_991_231] {
        let plans = [0, 1, 2, u16::MAX].map(|turn| Job::Plan { day, turn });
        for job in sweeps(day, shards).chain(plans) {
            let timer = job.timer(now, now).unwrap();
            assert_eq!(timer, job.timer(now, now).unwrap());
            assert!(timer.number < 1 << 62);
            numbers.insert(timer.number);
            count += 1;
        }
    }
    assert_eq!((numbers.len(), count), (count, 3 * (usize::from(u16::MAX) + 5)));
}

#[test]
fn a_day_sweeps_every_shard_and_the_operations_of_all() {
    let jobs: Vec<Job> = sweeps(20_261_124, ShardMap::new(2, 0)).collect();
    let day = 20_261_124;
    assert_eq!(
        jobs,
        [Job::Answers { day, shard: 0 }, Job::Answers { day, shard: 1 }, Job::Operations { day }]
    );
    let texts: Vec<String> = jobs.iter().map(|job| serde_json::to_string(job).unwrap()).collect();
    assert_eq!(texts[0], r#"{"job":"answers","day":20261124,"shard":0}"#);
    assert_eq!(texts[2], r#"{"job":"operations","day":20261124}"#);
}

/// A node with a few shards and nothing else, on time that moves when it is told to.
struct Bench {
    clock: Arc<ManualClock>,
    log: Arc<dyn Log>,
    ground: Ground,
    _runtime: Runtime,
}

impl Bench {
    async fn new(now: u64) -> Self {
        tokio::time::pause();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(now)));
        let timed = || Arc::<ManualClock>::clone(&clock) as Arc<dyn Clock>;
        let store = MemoryStore::new(MemoryOptions { shards: 4, ..MemoryOptions::default() });
        let foundation = Foundation {
            shards: ShardMap::new(4, 7),
            store: Arc::new(store.clone()),
            reader: Arc::new(store.clone()),
            inboxes: Arc::new(store.clone()),
            clock: timed(),
            incarnation: [1; 16],
        };
        let runtime = Runtime::start(RuntimeOptions::default(), foundation).await.unwrap();
        let ground = Ground {
            path: std::path::PathBuf::new(),
            durability: denrei_storage::embedded::Durability::Sync,
            runtime: runtime.handle(),
            reader: Arc::new(store),
            options: JobsConfig::default(),
        };
        let log = Arc::new(LocalLog::memory(timed(), LocalOptions::default()).unwrap());
        Self { clock, log, ground, _runtime: runtime }
    }

    async fn start(&self) -> Queue {
        start(&self.log, self.ground.clone(), Arc::<AtomicBool>::default()).await.unwrap()
    }

    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Keys and due times of what waits.
    async fn waiting(&self) -> Vec<(String, u64)> {
        let admin = QueueAdmin::new(&*self.log, GROUP);
        let timers = admin.timers(&Place::new(TOPIC, 0), TimerQuery::first(100)).await.unwrap();
        let key = |key: Option<bytes::Bytes>| String::from_utf8(key.unwrap().to_vec()).unwrap();
        timers.into_iter().map(|timer| (key(timer.key), timer.due.as_millis())).collect()
    }
}

fn plan(due: u64) -> Vec<(String, u64)> {
    vec![("plan".to_owned(), due)]
}

#[actix_rt::test]
async fn one_plan_waits_however_often_the_node_starts_and_is_followed_by_the_next() {
    let bench = Bench::new(MIDNIGHT + 3 * HOUR - 5_000).await;
    for _ in 0..3 {
        bench.start().await.stop().await;
        assert_eq!(bench.waiting().await, plan(MIDNIGHT + 3 * HOUR));
    }
    let queue = bench.start().await;
    bench.pass(15).await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + 27 * HOUR), "the day's sweeps have run");
    queue.stop().await;
    bench.start().await.stop().await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + 27 * HOUR));
}

#[actix_rt::test]
async fn days_that_were_slept_through_are_made_up_for_once() {
    let bench = Bench::new(MIDNIGHT).await;
    bench.start().await.stop().await;
    bench.clock.advance(Duration::from_secs(5 * 86_400));
    let queue = bench.start().await;
    bench.pass(10).await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + (5 * 24 + 3) * HOUR));
    queue.stop().await;
}

#[actix_rt::test]
async fn a_plan_may_be_moved_and_cancelled_without_the_next_one_being_lost() {
    let bench = Bench::new(MIDNIGHT).await;
    bench.start().await.stop().await;
    let admin = QueueAdmin::new(&*bench.log, GROUP);
    let place = Place::new(TOPIC, 0);
    let id = admin.timers(&place, TimerQuery::first(1)).await.unwrap()[0].id;
    let now = bench.clock.now();
    let later = Timestamp::from_millis(MIDNIGHT + 9 * HOUR);
    assert!(admin.move_timer(&place, id, later).await.unwrap());
    bench.start().await.stop().await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + 9 * HOUR));
    assert!(admin.cancel_timer(&place, id).await.unwrap());
    bench.start().await.stop().await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + 3 * HOUR));
    assert!(admin.move_timer(&place, id, now).await.unwrap());
    let queue = bench.start().await;
    bench.pass(10).await;
    assert_eq!(
        bench.waiting().await,
        plan(MIDNIGHT + 3 * HOUR),
        "one that ran early is followed by the night's"
    );
    queue.stop().await;
}

#[actix_rt::test]
async fn sweeping_now_again_and_again_skips_no_night() {
    let bench = Bench::new(MIDNIGHT).await;
    let queue = bench.start().await;
    let admin = QueueAdmin::new(&*bench.log, GROUP);
    let place = Place::new(TOPIC, 0);
    let mut ids = BTreeSet::new();
    for _ in 0..4 {
        let id = admin.timers(&place, TimerQuery::first(1)).await.unwrap()[0].id;
        assert!(ids.insert((id.offset.0, id.attempt)), "a plan must not be followed by itself");
        assert!(admin.move_timer(&place, id, bench.clock.now()).await.unwrap());
        bench.pass(10).await;
        assert_eq!(bench.waiting().await, plan(MIDNIGHT + 3 * HOUR));
    }
    bench.clock.advance(Duration::from_millis(3 * HOUR));
    bench.pass(10).await;
    assert_eq!(bench.waiting().await, plan(MIDNIGHT + 27 * HOUR));
    queue.stop().await;
}
