//! Draining a topic by a subscription, and what draining took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use denrei_model::clock::Clock;
use denrei_queue::{Processor, Settings, Task, TaskError};
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
pub(crate) struct Begun {
    at: Duration,
    used: f64,
}

impl Begun {
    pub(crate) fn now(clock: &dyn Clock) -> anyhow::Result<Self> {
        Ok(Self { at: clock.monotonic(), used: cpu_seconds(std::process::id())? })
    }

    pub(crate) fn until_now(self, clock: &dyn Clock, tasks: u64) -> anyhow::Result<Drained> {
        let now = Self::now(clock)?;
        let per_second = tasks as f64 / (now.at - self.at).as_secs_f64();
        Ok(Drained { per_second, cpu_per_million: (now.used - self.used) * 1e6 / tasks as f64 })
    }
}

/// A processor that does next to nothing, and knows when all is done.
struct Worker {
    clock: Arc<dyn Clock>,
    takes: Duration,
    tasks: u64,
    begun: OnceLock<anyhow::Result<Begun>>,
    done: AtomicU64,
    all: Notify,
}

/// The processor; whoever measures holds the worker too.
struct Hand(Arc<Worker>);

impl Processor<Bytes> for Hand {
    async fn process(&self, task: Task<Bytes>) -> Result<(), TaskError> {
        self.0.work(&task).await;
        Ok(())
    }
}

impl Worker {
    async fn work(&self, task: &Task<Bytes>) {
        self.begun.get_or_init(|| Begun::now(&*self.clock));
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        std::hint::black_box(&task.value);
        if self.done.fetch_add(1, Ordering::Relaxed) + 1 == self.tasks {
            self.all.notify_one();
        }
    }
}

/// Runs all tasks of the ground.
pub(crate) async fn run(ground: &Ground, cell: &Cell) -> anyhow::Result<Drained> {
    let worker = Arc::new(Worker {
        clock: Arc::clone(&ground.clock),
        takes: cell.takes,
        tasks: ground.tasks(),
        begun: OnceLock::new(),
        done: AtomicU64::new(0),
        all: Notify::new(),
    });
    let settings = Settings { partition_concurrency: cell.permits, ..Settings::default() };
    let subscription = ground.subscribe(settings, Hand(Arc::clone(&worker))).await?;
    worker.all.notified().await;
    let begun = worker.begun.get().and_then(|begun| begun.as_ref().ok()).context("nothing ran")?;
    let drained = begun.until_now(&*ground.clock, ground.tasks())?;
    subscription.shutdown().await;
    Ok(drained)
}
