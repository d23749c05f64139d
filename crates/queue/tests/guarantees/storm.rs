//! Ten thousand tasks through instances that come and go, and what was seen of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Json;
use denrei_queue::settings::RetryPolicy;
use denrei_queue::testing::{Fault, Seen, Sent};
use denrei_queue::{Pipeline, PutOptions, Settings, Source, Subscription, Task, TaskClient, TaskError};
use denrei_storage::log::{Log, Offset, TopicConfig, TopicName};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

pub(crate) const KEYS: u64 = 100;
const PARTITIONS: u32 = 8;

/// A task, and what it is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) key: String,
    pub(crate) number: u64,
    /// Fails so often before it succeeds.
    pub(crate) failures: u32,
}

/// What there is to judge.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) sent: Vec<Sent>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) buried: BTreeSet<(String, u64)>,
}

/// How the tasks of a storm are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) tasks: u64,
    /// Some fail, some for ever; some are delayed. Without, order per key can be asked.
    pub(crate) rough: bool,
    pub(crate) fault: Option<Fault>,
}

pub(crate) struct Storm {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<SystemClock>,
    topic: TopicName,
    group: String,
    weather: Weather,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Writes a run down when it ends, or is broken off.
struct Run {
    seen: Arc<Mutex<Vec<Seen>>>,
    clock: Arc<SystemClock>,
    run: Seen,
}

pub(crate) fn micros(clock: &SystemClock) -> u64 {
    u64::try_from(clock.monotonic().as_micros()).unwrap()
}

impl Drop for Run {
    fn drop(&mut self) {
        self.run.until_us = micros(&self.clock);
        self.seen.lock().push(self.run.clone());
    }
}

impl Storm {
    pub(crate) async fn new(name: &str, log: Arc<dyn Log>, weather: Weather) -> Self {
        let clock = Arc::new(SystemClock::new());
        let unique = format!("{name}-{}", clock.now().as_millis());
        let topic = TopicName::from(unique.clone());
        log.admin().create_topic(&topic, TopicConfig::new(PARTITIONS)).await.unwrap();
        Self { log, clock, topic, group: format!("{unique}-group"), weather, seen: Arc::default() }
    }

    pub(crate) async fn instance(&self, log: &Arc<dyn Log>) -> Subscription {
        let (seen, clock) = (self.seen.clone(), self.clock.clone());
        let process = move |task: Task<Order>| {
            let (seen, clock) = (seen.clone(), clock.clone());
            async move {
                let (order, attempt) = (task.value, task.context.attempt());
                let from_us = micros(&clock);
                let at_ms = clock.now().as_millis();
                let run = Seen {
                    key: order.key,
                    number: order.number,
                    from_us,
                    until_us: from_us,
                    at_ms,
                    done: false,
                };
                let mut run = Run { seen, clock, run };
                match order.number % 7 {
                    0 => tokio::time::sleep(Duration::from_millis(3)).await,
                    1 => tokio::task::yield_now().await,
                    _ => {}
                }
                if attempt < order.failures {
                    return Err(TaskError::retry("as ordered"));
                }
                run.run.done = true;
                Ok(())
            }
        };
        let retry = RetryPolicy { first_ms: 20, cap_ms: 50, attempts: 3, ..RetryPolicy::default() };
        let settings =
            Settings { partition_concurrency: 10, retry, commit_interval_ms: 50, ..Settings::default() };
        let mut builder = Subscription::builder(log.clone(), self.clock.clone(), self.group.clone());
        if let Some(fault) = self.weather.fault {
            builder = builder.fault(fault);
        }
        let pipeline = Pipeline::new(Json::default(), process);
        builder.topic(self.topic.clone(), pipeline).fixed_settings(settings).unwrap().start().await.unwrap()
    }

    /// Puts all tasks, each confirmed before the next of its key is put.
    pub(crate) async fn put(&self) -> Vec<Sent> {
        let source = Source { application: "storm".to_owned(), instance: "0".to_owned() };
        let client = TaskClient::new(
            self.log.producer(),
            self.clock.clone(),
            source,
            self.topic.clone(),
            Json::default(),
        );
        let mut sent = Vec::new();
        for round in 0..self.weather.tasks / KEYS {
            let mut confirmations = Vec::new();
            for key in 0..KEYS {
                let number = round * KEYS + key;
                let failures = match number % 50 {
                    10 if self.weather.rough => 1,
                    20 if self.weather.rough => u32::MAX,
                    _ => 0,
                };
                let delayed = self.weather.rough && number % 50 == 30;
                let due = delayed.then(|| self.clock.now().plus(Duration::from_millis(number % 400)));
                let order = Order { key: format!("key-{key}"), number, failures };
                let options = PutOptions { scheduled: due, ..PutOptions::default() };
                confirmations.push(client.put_with(Some(order.key.clone().into()), &order, options));
                let not_before_ms = due.map_or(0, |due| due.as_millis());
                sent.push(Sent { key: order.key, number, not_before_ms });
            }
            for confirmation in confirmations {
                confirmation.await.unwrap();
            }
        }
        sent
    }

    pub(crate) fn runs(&self) -> usize {
        self.seen.lock().len()
    }

    async fn buried(&self) -> BTreeSet<(String, u64)> {
        let admin = QueueAdmin::new(&*self.log, &*self.group);
        let mut all = BTreeSet::new();
        for partition in 0..PARTITIONS {
            for letter in admin.dead_letters(&self.topic, partition, Offset(0), usize::MAX).await.unwrap() {
                let order: Order = serde_json::from_slice(&letter.value.unwrap()).unwrap();
                all.insert((order.key, order.number));
            }
        }
        all
    }

    /// Waits until nothing is left to do, and hands over what was seen.
    pub(crate) async fn end(&self, sent: Vec<Sent>) -> History {
        let admin = QueueAdmin::new(&*self.log, &*self.group);
        let mut quiet = 0;
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let before = self.runs();
            let lag: u64 = admin.lag(&self.topic).await.unwrap().iter().map(|lag| lag.records()).sum();
            let mut timers = 0;
            for partition in 0..PARTITIONS {
                let place = denrei_storage::log::Place::new(self.topic.clone(), partition);
                let query = denrei_storage::log::TimerQuery::first(1);
                timers += admin.timers(&place, query).await.unwrap().len();
            }
            quiet = if lag == 0 && timers == 0 && self.runs() == before { quiet + 1 } else { 0 };
            if quiet >= 3 {
                break;
            }
        }
        let buried = self.buried().await;
        History { sent, seen: self.seen.lock().clone(), buried }
    }
}
