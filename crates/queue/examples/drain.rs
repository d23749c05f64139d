//! How fast a topic is drained: by a bare loop over the log, then by a subscription, in the same run.
//!
//! `cargo run --release -p denrei-queue --example drain -- <embedded|kafka> [tasks] [concurrency] [ms a task] [keys, 0: none]`
//!
//! Kafka is where `DENREI_KAFKA` says, on 127.0.0.1:29092 if it says nothing.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and prints")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::codec::Raw;
use denrei_queue::{Pipeline, PutOptions, Settings, Source, Subscription, Task, TaskClient};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{
    ConsumerOptions, EmbeddedOptions, Event, LocalLog, Log, LogError, Record, Records, TopicConfig, TopicName,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PARTITIONS: u32 = 8;

struct Plan {
    tasks: u64,
    concurrency: usize,
    sleep: Duration,
    keys: u64,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let backend = arguments.next().unwrap_or_else(|| "embedded".to_owned());
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let tasks = number(200_000)?;
    let concurrency = usize::try_from(number(20)?)?;
    let plan = Plan { tasks, concurrency, sleep: Duration::from_millis(number(0)?), keys: number(1_000)? };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let dir = tempfile::tempdir()?;
    let log: Arc<dyn Log> = if backend == "kafka" {
        let servers = std::env::var("DENREI_KAFKA").unwrap_or_else(|_| "127.0.0.1:29092".to_owned());
        Arc::new(KafkaLog::new(KafkaOptions::new(servers), Arc::clone(&clock))?)
    } else {
        Arc::new(LocalLog::embedded(dir.path(), Arc::clone(&clock), &EmbeddedOptions::default())?)
    };
    let topic = TopicName::from(format!("drain-{}", clock.now().as_millis()));
    fill(&log, &clock, &topic, &plan).await?;
    bare(&log, &topic, &plan).await?;
    queue(&log, &clock, &topic, &plan).await?;
    log.admin().delete_topic(&topic).await?;
    Ok(())
}

async fn fill(log: &Arc<dyn Log>, clock: &Arc<dyn Clock>, topic: &TopicName, plan: &Plan) -> Outcome<()> {
    log.admin().create_topic(topic, TopicConfig::new(PARTITIONS)).await?;
    let source = Source { application: "drain".to_owned(), instance: "0".to_owned() };
    let client = TaskClient::new(log.producer(), Arc::clone(clock), source, topic.clone(), Raw);
    let value = Bytes::from(vec![b'x'; 100]);
    let started = Instant::now();
    let mut sent = std::collections::VecDeque::new();
    for n in 0..plan.tasks {
        let key = (plan.keys > 0).then(|| Bytes::from(format!("key-{}", n % plan.keys)));
        sent.push_back(client.put_with(key, &value, PutOptions::default()));
        if sent.len() >= 20_000
            && let Some(oldest) = sent.pop_front()
        {
            oldest.await?;
        }
    }
    for one in sent {
        one.await?;
    }
    report("put", plan.tasks, started.elapsed(), None);
    Ok(())
}

/// User and system time of this process, in seconds.
fn cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(what: &str, tasks: u64, took: Duration, used: Option<f64>) {
    let rate = tasks as f64 / took.as_secs_f64();
    let per_million = used.map(|used| format!(", {:.2} CPU-s per million", used * 1e6 / tasks as f64));
    println!("{what:<28} {rate:>12.0} a second{}", per_million.unwrap_or_default());
}

async fn bare(log: &Arc<dyn Log>, topic: &TopicName, plan: &Plan) -> Outcome<()> {
    let mut consumer = log.join(ConsumerOptions::new(format!("{topic}-bare"), [topic.clone()])).await?;
    let (mut seen, mut started, mut before) = (0, Instant::now(), cpu());
    let mut partitions = FuturesUnordered::new();
    while seen < plan.tasks {
        tokio::select! {
            event = consumer.poll() => if let Event::Assigned(all) = event? {
                partitions.extend(all.iter().filter_map(|one| consumer.records(&one.place)).map(next));
            },
            Some((records, partition)) = partitions.next() => {
                if seen == 0 {
                    (started, before) = (Instant::now(), cpu());
                }
                seen += std::hint::black_box(records?).len() as u64;
                partitions.push(next(partition));
            }
        }
    }
    report("bare loop", plan.tasks, started.elapsed(), cpu().zip(before).map(|(now, before)| now - before));
    consumer.close().await?;
    Ok(())
}

async fn next(mut partition: Box<dyn Records>) -> (Result<Vec<Record>, LogError>, Box<dyn Records>) {
    (partition.next(64, &mut || usize::MAX).await, partition)
}

async fn queue(log: &Arc<dyn Log>, clock: &Arc<dyn Clock>, topic: &TopicName, plan: &Plan) -> Outcome<()> {
    let done = Arc::new(AtomicU64::new(0));
    let first = Arc::new(std::sync::OnceLock::new());
    let (theirs, begun, sleep) = (Arc::clone(&done), Arc::clone(&first), plan.sleep);
    let process = move |task: Task<Bytes>| {
        let done = Arc::clone(&theirs);
        begun.get_or_init(|| (Instant::now(), cpu()));
        async move {
            if !sleep.is_zero() {
                tokio::time::sleep(sleep).await;
            }
            std::hint::black_box(&task.value);
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    };
    let settings = Settings { partition_concurrency: plan.concurrency, ..Settings::default() };
    let builder = Subscription::builder(Arc::clone(log), Arc::clone(clock), format!("{topic}-queue"));
    let builder = builder.topic(topic.clone(), Pipeline::new(Raw, process)).fixed_settings(settings)?;
    let subscription = builder.start().await?;
    while done.load(Ordering::Relaxed) < plan.tasks {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (started, before) = first.get().copied().ok_or("nothing ran")?;
    let what = format!("queue, {} permits, {:?}", plan.concurrency, plan.sleep);
    report(&what, plan.tasks, started.elapsed(), cpu().zip(before).map(|(now, before)| now - before));
    subscription.shutdown().await;
    Ok(())
}
