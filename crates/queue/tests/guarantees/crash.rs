//! The whole process is killed, again and again; what was observed is on disk before each kill.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Json;
use denrei_queue::testing::{AtLeastOnce, Guarantee, NoEarlyDelivery, Seen, Sent, judge};
use denrei_queue::{Pipeline, PutOptions, Settings, Source, Subscription, Task, TaskClient, TaskError};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, ErrorKind, LocalLog, Log, TopicConfig, TopicName};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storm::Order;

const DIR: &str = "DENREI_QUEUE_CRASH_DIR";
const ROUND: &str = "DENREI_QUEUE_CRASH_ROUND";
const TOPIC: &str = "DENREI_QUEUE_CRASH_TOPIC";
const ROUNDS: u64 = 5;
/// One of several processes on a broker, that puts nothing itself.
const PEER: u64 = 99;
const TASKS_A_ROUND: u64 = 2_000;

struct Notes(Mutex<File>);

impl Notes {
    fn open(path: &Path) -> Self {
        Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }

    /// One write: a kill leaves whole lines.
    fn add(&self, line: &impl Serialize) {
        let line = format!("{}\n", serde_json::to_string(line).unwrap());
        self.0.lock().write_all(line.as_bytes()).unwrap();
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    BufReader::new(file).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// Runs in a process of its own, and is killed.
#[tokio::test(flavor = "multi_thread")]
async fn victim() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else { return };
    let (dir, round): (&Path, u64) = (Path::new(&dir), round.parse().unwrap());
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());
    let shared = std::env::var(TOPIC).ok();
    let log: Arc<dyn Log> = if shared.is_some() {
        kafka(&std::env::var("DENREI_KAFKA").unwrap(), &clock)
    } else {
        Arc::new(LocalLog::embedded(&dir.join("log"), clock.clone(), &EmbeddedOptions::default()).unwrap())
    };
    let topic = TopicName::from(shared.unwrap_or_else(|| "tasks".to_owned()));
    if let Err(error) = log.admin().create_topic(&topic, TopicConfig::new(4)).await {
        assert_eq!(error.kind(), ErrorKind::TopicExists);
    }
    let seen = Arc::new(Notes::open(&dir.join("seen")));
    let theirs = clock.clone();
    let process = move |task: Task<Order>| {
        let (seen, clock) = (seen.clone(), theirs.clone());
        async move {
            let (order, attempt) = (task.value, task.context.attempt());
            let now = clock.now().as_millis();
            tokio::time::sleep(Duration::from_millis(order.number % 3)).await;
            let done = attempt >= order.failures;
            let (key, number) = (order.key, order.number);
            seen.add(&Seen { key, number, from_us: now * 1000, until_us: now * 1000, at_ms: now, done });
            if done { Ok(()) } else { Err(TaskError::retry("as ordered")) }
        }
    };
    let settings = Settings { partition_concurrency: 0, commit_interval_ms: 50, ..Settings::default() };
    let builder =
        Subscription::builder(log.clone(), clock.clone(), "crash").fixed_settings(settings).unwrap();
    let subscription =
        builder.topic(topic.clone(), Pipeline::new(Json::default(), process)).start().await.unwrap();
    if round < ROUNDS {
        put_round(&*log, &clock, &topic, dir, round).await;
    }
    tokio::time::sleep(Duration::from_secs(match round {
        ROUNDS => 6,
        PEER => 25,
        _ => 60,
    }))
    .await;
    subscription.shutdown().await;
}

async fn put_round(log: &dyn Log, clock: &Arc<SystemClock>, topic: &TopicName, dir: &Path, round: u64) {
    let sent = Notes::open(&dir.join("sent"));
    let source = Source { application: "crash".to_owned(), instance: "0".to_owned() };
    let client = TaskClient::new(log.producer(), clock.clone(), source, topic.clone(), Json::default());
    for number in round * TASKS_A_ROUND..(round + 1) * TASKS_A_ROUND {
        let delay = if number % 5 == 0 { Duration::from_millis(number % 1_500) } else { Duration::ZERO };
        let order =
            Order { key: format!("key-{}", number % 20), number, failures: u32::from(number % 11 == 0) };
        let due = clock.now().plus(delay);
        let options = PutOptions { scheduled: Some(due), ..PutOptions::default() };
        let put = client.put_with(Some(order.key.clone().into()), &order, options).await;
        put.unwrap();
        sent.add(&Sent { key: order.key, number, not_before_ms: due.as_millis() });
    }
}

fn kafka(servers: &str, clock: &Arc<SystemClock>) -> Arc<dyn Log> {
    Arc::new(KafkaLog::new(KafkaOptions::new(servers), clock.clone()).unwrap())
}

fn spawn(dir: &Path, round: u64, topic: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::victim", "--exact", "--nocapture"]).env(DIR, dir).env(ROUND, round.to_string());
    if let Some(topic) = topic {
        command.env(TOPIC, topic);
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_kafka_when_one_of_three_processes_is_killed() {
    let Ok(servers) = std::env::var("DENREI_KAFKA") else {
        println!(
            "SKIPPED nothing_is_lost_on_kafka_when_one_of_three_processes_is_killed: DENREI_KAFKA not set"
        );
        return;
    };
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());
    let log = kafka(&servers, &clock);
    let topic = TopicName::from(format!("crash-{}", clock.now().as_millis()));
    log.admin().create_topic(&topic, TopicConfig::new(4)).await.unwrap();
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut peers: Vec<Child> =
        dirs.iter().map(|dir| spawn(dir.path(), PEER, Some(topic.as_str()))).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let put = put_round(&*log, &clock, &topic, dirs[0].path(), 0);
    let kill = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        peers[1].kill().unwrap();
        peers[1].wait().unwrap();
    };
    tokio::join!(put, kill);
    for survivor in [0, 2] {
        assert!(peers[survivor].wait().unwrap().success());
    }
    let sent: Vec<Sent> = lines(&dirs[0].path().join("sent"));
    let seen: Vec<Seen> = dirs.iter().flat_map(|dir| lines(&dir.path().join("seen"))).collect();
    assert_eq!(sent.len() as u64, TASKS_A_ROUND);
    judge_crash(&sent, &seen, "one kill among three");
    let by_the_dead = lines::<Seen>(&dirs[1].path().join("seen")).len();
    assert!(by_the_dead > 0, "the process that was killed had done nothing");
}

fn judge_crash(sent: &[Sent], seen: &[Seen], what: &str) {
    let promises: [&dyn Guarantee; 2] = [&AtLeastOnce, &NoEarlyDelivery];
    let broken = judge(&promises, sent, seen, &std::collections::BTreeSet::new());
    assert!(broken.is_empty(), "{broken:?}");
    assert!(sent.len() > 200, "too little was put to say anything: {}", sent.len());
    let done = seen.iter().filter(|run| run.done).count();
    let distinct: std::collections::BTreeSet<u64> =
        seen.iter().filter(|r| r.done).map(|r| r.number).collect();
    let again = done - distinct.len();
    println!("{} confirmed, {done} done, {again} of them again after {what}", sent.len());
    assert!(again < sent.len() / 2, "{again} of {} were done again", sent.len());
}

#[test]
fn nothing_is_lost_when_the_process_is_killed_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..=ROUNDS {
        let mut victim = spawn(dir.path(), round, None);
        if round < ROUNDS {
            std::thread::sleep(Duration::from_millis(700 + 370 * round));
            victim.kill().unwrap();
            victim.wait().unwrap();
        } else {
            assert!(victim.wait().unwrap().success());
        }
    }
    let (sent, seen): (Vec<Sent>, Vec<Seen>) =
        (lines(&dir.path().join("sent")), lines(&dir.path().join("seen")));
    judge_crash(&sent, &seen, "five kills");
}
