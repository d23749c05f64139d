//! A broker that hangs: its process is stopped for longer than sessions last, and then goes on.
//!
//! A binary of its own, for no other test may want the broker meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::clone_on_ref_ptr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says aloud what it skips, and asks the environment where the broker is"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Json;
use denrei_queue::{Pipeline, Settings, Source, Subscription, Task, TaskClient};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{Log, TopicConfig, TopicName};
use parking_lot::Mutex;
use tokio::task::JoinSet;

/// Longer than the session of a member: the broker gives its partitions away as soon as it goes on.
const HANGS: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(90);
const BEFORE: u64 = 2_000;
const MEANWHILE: u64 = 200;
const AFTERWARDS: u64 = 500;
/// The kernel's accounting of processor time, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Goes on at the latest when the test ends.
struct Stopped(String);

impl Stopped {
    fn stop(pid: String) -> Self {
        signal("-STOP", &pid);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(which: &str, pid: &str) {
    assert!(Command::new("kill").args([which, pid]).status().unwrap().success(), "kill {which} {pid}");
}

/// Processor time of this process so far, in seconds.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / TICKS_PER_SECOND
}

type Numbers = Arc<Mutex<BTreeSet<u64>>>;

/// Puts these tasks; each that is confirmed is noted.
fn put(client: &TaskClient<u64>, numbers: std::ops::Range<u64>, confirmed: &Numbers) -> JoinSet<()> {
    let mut puts = JoinSet::new();
    for number in numbers {
        let (confirmation, confirmed) =
            (client.put(format!("key-{}", number % 50), &number), confirmed.clone());
        puts.spawn(async move {
            if confirmation.await.is_ok() {
                confirmed.lock().insert(number);
            }
        });
    }
    puts
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let all = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_loses_no_task_and_nobody_spins_meanwhile() {
    let name = "a_broker_that_hangs_loses_no_task_and_nobody_spins_meanwhile";
    let (Ok(servers), Ok(pid)) = (std::env::var("DENREI_KAFKA"), std::env::var("DENREI_KAFKA_PID")) else {
        println!("SKIPPED {name}: DENREI_KAFKA or DENREI_KAFKA_PID not set");
        return;
    };
    let clock = Arc::new(SystemClock::new());
    let log: Arc<dyn Log> = Arc::new(KafkaLog::new(KafkaOptions::new(&servers), clock.clone()).unwrap());
    let topic = TopicName::from(format!("outage-{}", clock.now().as_millis()));
    log.admin().create_topic(&topic, TopicConfig::new(4)).await.unwrap();
    let (done, confirmed) = (Numbers::default(), Numbers::default());
    let notes = done.clone();
    let run = move |task: Task<u64>| {
        let notes = notes.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            notes.lock().insert(task.value);
            Ok(())
        }
    };
    let builder = Subscription::builder(log.clone(), clock.clone(), format!("{topic}-group"));
    let builder = builder.topic(topic.clone(), Pipeline::new(Json::default(), run));
    let settings = Settings { partition_concurrency: 4, ..Settings::default() };
    let subscription = builder.fixed_settings(settings).unwrap().start().await.unwrap();
    let source = Source { application: "outage".to_owned(), instance: "0".to_owned() };
    let client = TaskClient::new(log.producer(), clock.clone(), source, topic, Json::default());

    let before = put(&client, 0..BEFORE, &confirmed);
    until("the first tasks are done", || done.lock().len() >= 100).await;
    let stopped = Stopped::stop(pid);
    let (used_before, meanwhile) = (used(), put(&client, BEFORE..BEFORE + MEANWHILE, &confirmed));
    tokio::time::sleep(HANGS).await;
    let busy = (used() - used_before) / HANGS.as_secs_f64();
    let told = confirmed.lock().iter().filter(|number| **number >= BEFORE).count();
    drop(stopped);
    assert_eq!(told, 0, "nothing is confirmed by a broker that hangs");
    assert!(busy < 0.5, "{busy:.2} of a core was used while there was nothing to do");

    let afterwards = put(&client, BEFORE + MEANWHILE..BEFORE + MEANWHILE + AFTERWARDS, &confirmed);
    for mut puts in [before, meanwhile, afterwards] {
        while tokio::time::timeout(PATIENCE, puts.join_next()).await.expect("every put is answered").is_some()
        {
        }
    }
    let confirmed = confirmed.lock().clone();
    let last = BEFORE + MEANWHILE..BEFORE + MEANWHILE + AFTERWARDS;
    assert!(last.clone().all(|number| confirmed.contains(&number)), "puts fail although the broker is back");
    until("all that was confirmed is done", || confirmed.is_subset(&done.lock())).await;
    println!("{} of {} confirmed, all done; {busy:.2} of a core meanwhile", confirmed.len(), last.end);
    subscription.shutdown().await;
}
