//! How long after their time tasks begin to run, while they are put at a steady rate whatever becomes of them.
//!
//! A task is the millisecond in which it was due to be put, in eight bytes; zero says that it is for warming up. What is put late
//! counts from when it was due, so that a pause is not forgotten.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use denrei_queue::{PutOptions, Settings, Task, TaskError};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::Options;
use crate::decaton::Decaton;
use crate::ground::{Backend, Ground};
use crate::rounds::Rounds;

/// Permits of a partition.
const PERMITS: usize = 20;
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The mean and the 99th percentile of each round, in milliseconds.
#[derive(Default)]
struct Late {
    mean: Rounds,
    p99: Rounds,
}

impl Late {
    fn push(&mut self, (mean, p99): (f64, f64)) {
        self.mean.push(mean);
        self.p99.push(p99);
    }

    fn say(&self, what: &str) {
        println!("  {what:<38} mean {} ms, 99th percentile {} ms", self.mean, self.p99);
    }
}

/// Measures ours, and Decaton's where it is there, in turns.
pub(crate) async fn measure(
    backend: Backend,
    decaton: Option<&Decaton>,
    options: &Options,
) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Late::default(), Late::default());
    for _ in 0..options.rounds {
        let ground = Ground::prepare(backend, Some(options.keys), options).await?;
        ours.push(of_the_queue(&ground, options).await?);
        ground.clear().await?;
        if let Some(decaton) = decaton {
            let ground = Ground::prepare(backend, Some(options.keys), options).await?;
            theirs.push(of_decaton(&ground, decaton, options).await?);
            ground.clear().await?;
        }
    }
    println!("{}, {} tasks a second, {PERMITS} permits: from due to running", backend.name(), options.rate);
    ours.say("the queue");
    if decaton.is_some() {
        theirs.say("Decaton");
    }
    Ok(())
}

async fn of_the_queue(ground: &Ground, options: &Options) -> anyhow::Result<(f64, f64)> {
    let (seen, mut late) = mpsc::unbounded_channel();
    let clock = Arc::clone(&ground.clock);
    let process = move |task: Task<Bytes>| {
        let due = <[u8; 8]>::try_from(&*task.value).map_or(0, u64::from_be_bytes);
        let told = seen.send((due > 0).then(|| clock.now().as_millis().saturating_sub(due)));
        async move { told.map_err(|_| TaskError::fatal("nobody measures any more")) }
    };
    let settings = Settings { partition_concurrency: PERMITS, ..Settings::default() };
    let subscription = ground.subscribe(settings, process).await?;
    let warming = warm_ups(options);
    put(ground, options.rate, warming, false).await?;
    for _ in 0..warming {
        next(&mut late).await?;
    }
    let (put, figures) =
        tokio::join!(put(ground, options.rate, options.late_tasks, true), judge(&mut late, options));
    put?;
    subscription.shutdown().await;
    figures
}

/// Three seconds of tasks, or as many as are measured, if that is less.
fn warm_ups(options: &Options) -> u64 {
    (options.rate * 3).min(options.late_tasks)
}

async fn next(late: &mut UnboundedReceiver<Option<u64>>) -> anyhow::Result<Option<u64>> {
    tokio::time::timeout(PATIENCE, late.recv()).await.context("no task ran")?.context("the queue ended")
}

async fn judge(late: &mut UnboundedReceiver<Option<u64>>, options: &Options) -> anyhow::Result<(f64, f64)> {
    let mut all = Vec::new();
    while (all.len() as u64) < options.late_tasks {
        all.extend(next(late).await?);
    }
    all.sort_unstable();
    let p99 = all.get(all.len() * 99 / 100).context("nothing was measured")?;
    Ok((all.iter().sum::<u64>() as f64 / all.len() as f64, *p99 as f64))
}

async fn of_decaton(ground: &Ground, decaton: &Decaton, options: &Options) -> anyhow::Result<(f64, f64)> {
    let warming = warm_ups(options);
    let arguments = [options.late_tasks.to_string(), PERMITS.to_string(), warming.to_string()];
    let mut program = decaton.start("Latency", ground, &arguments)?;
    put(ground, options.rate, warming, false).await?;
    let warm = tokio::task::block_in_place(|| program.line())?;
    anyhow::ensure!(warm == "warm", "Decaton said {warm}");
    put(ground, options.rate, options.late_tasks, true).await?;
    tokio::task::block_in_place(|| program.figures())
}

/// Puts so many tasks, each at its time.
async fn put(ground: &Ground, rate: u64, tasks: u64, measured: bool) -> anyhow::Result<()> {
    let (client, begun, base) = (ground.client(), ground.clock.monotonic(), ground.clock.now());
    let mut sent = Vec::new();
    for number in 0..tasks {
        let due = Duration::from_secs_f64(number as f64 / rate as f64);
        if let Some(early) =
            due.checked_sub(ground.clock.monotonic() - begun).filter(|early| !early.is_zero())
        {
            tokio::time::sleep(early).await;
        }
        let due = if measured { base.plus(due).as_millis() } else { 0 };
        let value = Bytes::copy_from_slice(&due.to_be_bytes());
        sent.push(client.put_with(ground.key(number), &value, PutOptions::default()));
    }
    for one in sent {
        one.await?;
    }
    Ok(())
}
