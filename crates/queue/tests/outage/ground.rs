//! A topic, a subscription to it, and what was seen of its tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock, Timestamp};
use denrei_queue::codec::Json;
use denrei_queue::{
    Pipeline, PutOptions, Settings, Source, Subscription, SubscriptionBuilder, Task, TaskClient, TaskError,
};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{GroupId, Log, Offset, Place, Placed, TopicConfig, TopicName};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::broker::Broker;

pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a task takes.
const TAKES: Duration = Duration::from_millis(20);
/// The kernel's accounting of processor time, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// What becomes of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// It is done.
    Done,
    /// Its first try fails.
    Retried,
    /// It may not begin before this time, in milliseconds.
    Delayed(u64),
    /// It is given up.
    Hopeless,
}

/// A task.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) fate: Fate,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// By number, the attempts that began, and when.
    pub(crate) began: BTreeMap<u64, Vec<(u32, Timestamp)>>,
    pub(crate) done: BTreeSet<u64>,
    /// Runs that began when their task was done already, by what was to become of it.
    pub(crate) repeated: Vec<Fate>,
    /// Where those lie that the log has confirmed.
    pub(crate) confirmed: BTreeMap<u64, (Fate, Placed)>,
}

impl Seen {
    fn begin(&mut self, Job { number, fate }: Job, attempt: u32, at: Timestamp) {
        self.began.entry(number).or_default().push((attempt, at));
        if self.done.contains(&number) {
            self.repeated.push(fate);
        }
    }

    /// Those of this kind that were confirmed.
    pub(crate) fn of(&self, kind: impl Fn(Fate) -> bool) -> BTreeSet<u64> {
        self.confirmed.iter().filter(|(_, (fate, _))| kind(*fate)).map(|(number, _)| *number).collect()
    }
}

pub(crate) struct Ground {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) topic: TopicName,
    pub(crate) group: GroupId,
    pub(crate) seen: Arc<Mutex<Seen>>,
    partitions: u32,
    client: TaskClient<Job>,
}

impl Ground {
    /// What the subscription writes has failed after `delivery_timeout`; tasks are put by a client of its own, which is patient.
    pub(crate) async fn new(
        broker: &Broker,
        name: &str,
        partitions: u32,
        delivery_timeout: Duration,
    ) -> Self {
        let clock = Arc::new(SystemClock::new());
        let options = KafkaOptions::new(&broker.servers);
        let producer = KafkaLog::new(options.clone(), clock.clone()).unwrap().producer();
        let options = KafkaOptions { delivery_timeout, ..options };
        let log: Arc<dyn Log> = Arc::new(KafkaLog::new(options, clock.clone()).unwrap());
        let topic = TopicName::from(format!("{name}-{}", clock.now().as_millis()));
        log.admin().create_topic(&topic, TopicConfig::new(partitions)).await.unwrap();
        let source = Source { application: name.to_owned(), instance: "0".to_owned() };
        let client = TaskClient::new(producer, clock.clone(), source, topic.clone(), Json::default());
        let group = GroupId::from(format!("{topic}-group"));
        Self { log, clock, topic, group, seen: Arc::default(), partitions, client }
    }

    pub(crate) async fn subscribe(
        &self,
        settings: Settings,
        how: impl FnOnce(SubscriptionBuilder) -> SubscriptionBuilder,
    ) -> Subscription {
        let (seen, clock) = (self.seen.clone(), self.clock.clone());
        let run = move |task: Task<Job>| {
            let (seen, clock) = (seen.clone(), clock.clone());
            async move {
                let (Job { number, fate }, attempt) = (task.value, task.context.attempt());
                seen.lock().begin(task.value, attempt, clock.now());
                tokio::time::sleep(TAKES).await;
                match fate {
                    Fate::Retried if attempt == 0 => return Err(TaskError::retry("as told")),
                    Fate::Hopeless => return Err(TaskError::fatal("as told")),
                    _ => {}
                }
                seen.lock().done.insert(number);
                Ok(())
            }
        };
        let builder = Subscription::builder(self.log.clone(), self.clock.clone(), self.group.clone());
        let builder = builder.topic(self.topic.clone(), Pipeline::new(Json::default(), run));
        how(builder.fixed_settings(settings).unwrap()).start().await.unwrap()
    }

    /// Puts these tasks; those that are confirmed are noted.
    pub(crate) fn put(&self, numbers: std::ops::Range<u64>, fate: impl Fn(u64) -> Fate) -> JoinSet<()> {
        let mut puts = JoinSet::new();
        for number in numbers {
            let (job, seen) = (Job { number, fate: fate(number) }, self.seen.clone());
            let scheduled = match job.fate {
                Fate::Delayed(due) => Some(Timestamp::from_millis(due)),
                _ => None,
            };
            let key = format!("key-{}", number % 50).into();
            let options = PutOptions { scheduled, ..PutOptions::default() };
            let confirmation = self.client.put_with(Some(key), &job, options);
            puts.spawn(async move {
                if let Ok(placed) = confirmation.await {
                    seen.lock().confirmed.insert(number, (job.fate, placed));
                }
            });
        }
        puts
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        (0..self.partitions).map(|number| Place::new(self.topic.clone(), number)).collect()
    }

    /// Up to where all is done, as the group has committed.
    pub(crate) async fn committed(&self, place: &Place) -> Offset {
        self.log.admin().committed(&self.group, place).await.unwrap().offset.unwrap_or(Offset(0))
    }

    /// Waits until the group has committed all there is.
    pub(crate) async fn all_committed(&self) {
        for place in self.places() {
            let end = self.log.admin().watermarks(&place).await.unwrap().end;
            let committed = async {
                while self.committed(&place).await != end {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            };
            let what = format!("{place:?} is committed up to {end:?}");
            tokio::time::timeout(PATIENCE, committed).await.unwrap_or_else(|_| panic!("{what}: not in time"));
        }
    }
}

/// Waits until each was confirmed or refused.
pub(crate) async fn answered(mut puts: JoinSet<()>) {
    while tokio::time::timeout(PATIENCE, puts.join_next()).await.expect("every put is answered").is_some() {}
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let all = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

/// Lets this much time pass; the share of a core that this process used meanwhile.
pub(crate) async fn busy_for(time: Duration) -> f64 {
    let before = used();
    tokio::time::sleep(time).await;
    (used() - before) / time.as_secs_f64()
}

/// Processor time of this process so far, in seconds.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / TICKS_PER_SECOND
}
