//! Draining a topic: by a bare loop over the log, and by a subscription.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use denrei_model::clock::Clock;
use denrei_queue::codec::Raw;
use denrei_queue::{Pipeline, Settings, Subscription, Task};
use denrei_storage::log::{ConsumerOptions, Event};
use tokio::sync::Notify;

use crate::cell::Cell;
use crate::cpu::cpu_seconds;
use crate::ground::Ground;

/// What draining took.
pub(crate) struct Drained {
    /// Tasks a second.
    pub(crate) per_second: f64,
    /// Processor time per million of them, in seconds.
    pub(crate) cpu_per_million: f64,
}

/// The clock and the processor time when the first task came: joining a group is not draining.
#[derive(Clone, Copy)]
struct Begun {
    at: Duration,
    used: f64,
}

impl Begun {
    fn now(clock: &dyn Clock) -> anyhow::Result<Self> {
        Ok(Self { at: clock.monotonic(), used: cpu_seconds(std::process::id())? })
    }

    fn until_now(self, clock: &dyn Clock, tasks: u64) -> anyhow::Result<Drained> {
        let now = Self::now(clock)?;
        let per_second = tasks as f64 / (now.at - self.at).as_secs_f64();
        Ok(Drained { per_second, cpu_per_million: (now.used - self.used) * 1e6 / tasks as f64 })
    }
}

/// Reads the records and does nothing with them.
pub(crate) async fn bare(ground: &Ground, tasks: u64) -> anyhow::Result<Drained> {
    let options = ConsumerOptions::new(ground.fresh_group(), [ground.topic.clone()]);
    let mut consumer = ground.log.join(options).await?;
    let (mut seen, mut begun) = (0, None);
    while seen < tasks {
        if let Event::Records { records, .. } = consumer.poll().await? {
            if begun.is_none() {
                begun = Some(Begun::now(&*ground.clock)?);
            }
            seen += records.len() as u64;
        }
    }
    let drained = begun.context("nothing came")?.until_now(&*ground.clock, tasks)?;
    consumer.close().await?;
    Ok(drained)
}

/// What the tasks of one measurement share.
#[derive(Default)]
struct Progress {
    begun: OnceLock<anyhow::Result<Begun>>,
    done: AtomicU64,
    all: Notify,
}

/// Runs so many tasks through a subscription.
pub(crate) async fn queue(ground: &Ground, cell: &Cell, tasks: u64) -> anyhow::Result<Drained> {
    let progress = Arc::new(Progress::default());
    let (theirs, clock, takes) = (Arc::clone(&progress), Arc::clone(&ground.clock), cell.takes);
    let process = move |task: Task<Bytes>| {
        let progress = Arc::clone(&theirs);
        progress.begun.get_or_init(|| Begun::now(&*clock));
        async move {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            std::hint::black_box(&task.value);
            if progress.done.fetch_add(1, Ordering::Relaxed) + 1 == tasks {
                progress.all.notify_one();
            }
            Ok(())
        }
    };
    let settings = Settings { partition_concurrency: cell.permits, ..Settings::default() };
    let (log, clock) = (Arc::clone(&ground.log), Arc::clone(&ground.clock));
    let builder = Subscription::builder(log, clock, ground.fresh_group());
    let builder =
        builder.topic(ground.topic.clone(), Pipeline::new(Raw, process)).fixed_settings(settings)?;
    let subscription = builder.start().await?;
    progress.all.notified().await;
    let begun = progress.begun.get().and_then(|begun| begun.as_ref().ok()).context("nothing ran")?;
    let drained = begun.until_now(&*ground.clock, tasks)?;
    subscription.shutdown().await;
    Ok(drained)
}
