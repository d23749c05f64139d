//! A loop over the records that does nothing with them: the ceiling.

use std::time::Duration;

use anyhow::Context as _;
use denrei_storage::log::{ConsumerOptions, Event, LogError, Record, Records};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;

use crate::drain::{Begun, Drained};
use crate::ground::{Backend, Ground};

/// How long the loop may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// Records that are taken from a partition at once.
const BATCH: usize = 512;
const TICK: Duration = Duration::from_millis(100);

/// Reads the whole topic once: on Kafka by rdkafka itself, on the embedded log by its consumer.
pub(crate) async fn drain(ground: &Ground) -> anyhow::Result<Drained> {
    match ground.backend {
        Backend::Embedded => by_the_log(ground).await,
        Backend::Kafka => tokio::task::block_in_place(|| by_rdkafka(ground)),
    }
}

async fn by_the_log(ground: &Ground) -> anyhow::Result<Drained> {
    let options = ConsumerOptions::new(ground.fresh_group(), [ground.topic.clone()]);
    let mut consumer = ground.log.join(options).await?;
    let (mut seen, mut begun, mut partitions) = (0, None, FuturesUnordered::new());
    while seen < ground.tasks() {
        tokio::select! {
            event = consumer.poll() => if let Event::Assigned(all) = event? {
                partitions.extend(all.iter().filter_map(|one| consumer.records(&one.place)).map(next));
            },
            Some((records, partition)) = partitions.next() => {
                if begun.is_none() {
                    begun = Some(Begun::now(&*ground.clock)?);
                }
                seen += std::hint::black_box(records?).len() as u64;
                partitions.push(next(partition));
            }
        }
    }
    let drained = begun.context("nothing came")?.until_now(&*ground.clock, ground.tasks())?;
    consumer.close().await?;
    Ok(drained)
}

async fn next(mut partition: Box<dyn Records>) -> (Result<Vec<Record>, LogError>, Box<dyn Records>) {
    (partition.next(BATCH, &mut || usize::MAX).await, partition)
}

/// With what the log sets too: without `fetch.queue.backoff.ms` rdkafka is a tenth as fast as it is.
fn by_rdkafka(ground: &Ground) -> anyhow::Result<Drained> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", ground.servers()?)
        .set("group.id", ground.fresh_group())
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "16384");
    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[ground.topic.as_str()])?;
    let (mut seen, mut begun, called) = (0, None, ground.clock.monotonic());
    while seen < ground.tasks() {
        // What the group asks of the consumer ends a poll without a message.
        let Some(message) = consumer.poll(TICK) else {
            anyhow::ensure!(ground.clock.monotonic() - called < PATIENCE, "only {seen} records came");
            continue;
        };
        let message = message?;
        if begun.is_none() {
            begun = Some(Begun::now(&*ground.clock)?);
        }
        std::hint::black_box(message.payload());
        seen += 1;
    }
    begun.context("nothing came")?.until_now(&*ground.clock, ground.tasks())
}
