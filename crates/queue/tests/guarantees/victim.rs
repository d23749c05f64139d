//! A process that runs tasks and writes down what it does before it does the next thing, until it is killed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Json;
use denrei_queue::settings::RetryPolicy;
use denrei_queue::{
    Pipeline, PutOptions, Settings, Source, State, Subscription, Task, TaskClient, TaskError,
};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, ErrorKind, LocalLog, Log, TopicConfig, TopicName};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The [`Post`] of the process, as JSON.
const POST: &str = "DENREI_QUEUE_VICTIM";
pub(crate) const PARTITIONS: u32 = 8;
pub(crate) const COMMIT_MS: u64 = 50;

/// When the kill is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    InFlight,
    Retry,
    TimerFire,
    Rebalance,
}

/// A task, and what it is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) number: u64,
    failures: u32,
    takes_ms: u64,
    pub(crate) due_ms: u64,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Began,
    Failed,
    Done,
    Owns,
    GivesAway,
}

/// A line that it writes down.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) what: What,
    pub(crate) number: u64,
    pub(crate) at_ms: u64,
}

/// What a process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    /// Of this process alone, and deleted with it.
    pub(crate) own: PathBuf,
    /// Where it writes down what it does.
    pub(crate) notes: PathBuf,
    pub(crate) field: Field,
    pub(crate) phase: Phase,
}

/// The log of a test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Field {
    Kafka {
        servers: String,
        topic: String,
    },
    /// One process at a time: it puts the tasks, too, if it is the first.
    Embedded {
        log: PathBuf,
        sent: PathBuf,
        first: bool,
    },
}

impl Phase {
    pub(crate) const fn tasks(self) -> u64 {
        match self {
            Self::TimerFire => 2_000,
            _ => 400,
        }
    }

    fn job(self, number: u64, base_ms: u64) -> Job {
        let (failures, takes_ms, due_ms) = match self {
            Self::InFlight => (0, 200, 0),
            Self::Retry => (2, 1, 0),
            Self::TimerFire => (0, 5, base_ms + 3_000),
            Self::Rebalance => (0, 300, 0),
        };
        Job { number, failures, takes_ms, due_ms }
    }
}

/// Lines of JSON, each written at once: a kill leaves whole ones.
pub(crate) struct Notes(Mutex<File>);

impl Notes {
    pub(crate) fn open(path: &Path) -> Self {
        Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }

    pub(crate) fn add(&self, line: &impl Serialize) {
        let line = format!("{}\n", serde_json::to_string(line).unwrap());
        self.0.lock().write_all(line.as_bytes()).unwrap();
    }
}

/// The whole lines that are there by now.
pub(crate) fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    BufReader::new(file).lines().map_while(|line| serde_json::from_str(&line.ok()?).ok()).collect()
}

pub(crate) fn spawn(post: &Post) -> Child {
    std::fs::create_dir_all(&post.own).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["victim::lives", "--exact", "--nocapture"]).current_dir(&post.own).env("TMPDIR", &post.own);
    command.env(POST, serde_json::to_string(post).unwrap()).stdout(Stdio::null()).spawn().unwrap()
}

/// Runs in a process of its own, and is killed.
#[tokio::test(flavor = "multi_thread")]
async fn lives() {
    let Ok(post) = std::env::var(POST) else { return };
    let post: Post = serde_json::from_str(&post).unwrap();
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());
    let (log, topic) = open(&post.field, &clock).await;
    let notes = Arc::new(Notes::open(&post.notes));
    let first = subscribe(&log, &clock, &topic, &notes).await;
    if let Field::Embedded { sent, first: true, .. } = &post.field {
        put(&*log, &clock, &topic, post.phase, sent).await;
    }
    // The one process of an embedded log has both members of the group.
    let embedded = matches!(post.field, Field::Embedded { first: true, .. });
    let second = if embedded && post.phase == Phase::Rebalance {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some(subscribe(&log, &clock, &topic, &notes).await)
    } else {
        None
    };
    tokio::time::sleep(Duration::from_secs(90)).await;
    drop((first, second));
}

async fn open(field: &Field, clock: &Arc<SystemClock>) -> (Arc<dyn Log>, TopicName) {
    match field {
        Field::Kafka { servers, topic } => (kafka(servers, clock), TopicName::from(topic.as_str())),
        Field::Embedded { log, .. } => {
            let log = LocalLog::embedded(log, clock.clone(), &EmbeddedOptions::default()).unwrap();
            let topic = TopicName::from("tasks");
            if let Err(error) = log.admin().create_topic(&topic, TopicConfig::new(PARTITIONS)).await {
                assert_eq!(error.kind(), ErrorKind::TopicExists);
            }
            (Arc::new(log), topic)
        }
    }
}

pub(crate) fn kafka(servers: &str, clock: &Arc<SystemClock>) -> Arc<dyn Log> {
    Arc::new(KafkaLog::new(KafkaOptions::new(servers), clock.clone()).unwrap())
}

async fn subscribe(
    log: &Arc<dyn Log>,
    clock: &Arc<SystemClock>,
    topic: &TopicName,
    notes: &Arc<Notes>,
) -> Subscription {
    let (theirs, time) = (notes.clone(), clock.clone());
    let process = move |task: Task<Job>| {
        let (notes, clock) = (theirs.clone(), time.clone());
        async move {
            let number = task.value.number;
            let note = |what| notes.add(&Note { what, number, at_ms: clock.now().as_millis() });
            note(What::Began);
            tokio::time::sleep(Duration::from_millis(task.value.takes_ms)).await;
            if task.context.attempt() < task.value.failures {
                note(What::Failed);
                return Err(TaskError::retry("as ordered"));
            }
            note(What::Done);
            Ok(())
        }
    };
    let retry = RetryPolicy { first_ms: 400, cap_ms: 400, ..RetryPolicy::default() };
    let settings =
        Settings { partition_concurrency: 4, commit_interval_ms: COMMIT_MS, retry, ..Settings::default() };
    let builder = Subscription::builder(log.clone(), clock.clone(), format!("{topic}-group"));
    let builder = builder.topic(topic.clone(), Pipeline::new(Json::default(), process));
    let subscription = builder.fixed_settings(settings).unwrap().start().await.unwrap();
    let (notes, clock) = (notes.clone(), clock.clone());
    subscription.on_state(move |state| {
        let note = |what| notes.add(&Note { what, number: 0, at_ms: clock.now().as_millis() });
        match state {
            State::Running => note(What::Owns),
            State::Rebalancing => note(What::GivesAway),
            State::Initializing | State::ShuttingDown | State::Terminated => {}
        }
    });
    subscription
}

/// Puts all tasks of the phase, and writes down those that were confirmed.
pub(crate) async fn put(
    log: &dyn Log,
    clock: &Arc<SystemClock>,
    topic: &TopicName,
    phase: Phase,
    sent: &Path,
) {
    let source = Source { application: "kills".to_owned(), instance: "0".to_owned() };
    let client = TaskClient::new(log.producer(), clock.clone(), source, topic.clone(), Json::default());
    let (sent, base) = (Notes::open(sent), clock.now());
    let jobs: Vec<Job> = (0..phase.tasks()).map(|number| phase.job(number, base.as_millis())).collect();
    for some in jobs.chunks(100) {
        let confirmations = some.iter().map(|job| {
            let due = (job.due_ms > 0).then(|| denrei_model::Timestamp::from_millis(job.due_ms));
            let options = PutOptions { scheduled: due, ..PutOptions::default() };
            client.put_with(Some(format!("key-{}", job.number % 100).into()), job, options)
        });
        for (job, confirmation) in some.iter().zip(confirmations.collect::<Vec<_>>()) {
            confirmation.await.unwrap();
            sent.add(job);
        }
    }
}
