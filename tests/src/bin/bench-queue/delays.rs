//! Tasks put for later, all on one partition: none may run early, few late, and tasks that are due at once must not wait for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use denrei_queue::{PutOptions, Settings, Task, TaskError};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::Options;
use crate::ground::{Backend, Ground};
use crate::verdict::verdict;

/// Between two tasks that are due at once.
const BETWEEN: Duration = Duration::from_millis(20);
/// How long beyond the longest delay the last task may be out.
const PATIENCE: Duration = Duration::from_secs(60);
/// So late one in a hundred may be, in milliseconds.
const AIM: f64 = 500.0;
const SEED: u64 = 4;

/// When a task was due, and when it ran.
struct Run {
    due: u64,
    ran: u64,
    /// It was put for later.
    delayed: bool,
}

/// Puts them, waits until all have run, judges.
pub(crate) async fn measure(backend: Backend, options: &Options) -> anyhow::Result<()> {
    let ground = Ground::with_partitions(backend, Some(options.keys), 1, options).await?;
    let (seen, mut runs) = mpsc::unbounded_channel();
    let clock = Arc::clone(&ground.clock);
    let process = move |task: Task<Bytes>| {
        let metadata = task.context.metadata();
        let delayed = metadata.scheduled_time_millis > 0;
        let due = if delayed { metadata.scheduled() } else { metadata.timestamp() }.as_millis();
        let told = seen.send(Run { due, ran: clock.now().as_millis(), delayed });
        async move { told.map_err(|_| TaskError::fatal("nobody measures any more")) }
    };
    let settings = Settings { partition_concurrency: 20, ..Settings::default() };
    let subscription = ground.subscribe(settings, process).await?;
    // Joining a group is not lateness.
    put_at_once(&ground, 1).await?;
    collect(&mut runs, 1, PATIENCE).await?;
    let at_once = options.delay * 1_000 / u64::try_from(BETWEEN.as_millis())?;
    let expected = options.delayed_tasks + at_once;
    let (later, now, runs) = tokio::join!(
        put_for_later(&ground, options),
        put_at_once(&ground, at_once),
        collect(&mut runs, expected, Duration::from_secs(options.delay) + PATIENCE)
    );
    later.and(now)?;
    subscription.shutdown().await;
    judge(backend, &runs?, options);
    ground.clear().await
}

/// All at the beginning, each due so long after it is put.
async fn put_for_later(ground: &Ground, options: &Options) -> anyhow::Result<()> {
    let (client, mut chance) = (ground.client(), SmallRng::seed_from_u64(SEED));
    let mut sent = Vec::new();
    for number in 0..options.delayed_tasks {
        let delay = Duration::from_millis(chance.random_range(0..=options.delay * 1_000));
        let due = ground.clock.now().plus(delay);
        let put = PutOptions { scheduled: Some(due), ..PutOptions::default() };
        sent.push(client.put_with(ground.key(number), &Bytes::from_static(b"later"), put));
        if sent.len() >= 5_000 {
            for one in sent.drain(..) {
                one.await?;
            }
        }
    }
    for one in sent {
        one.await?;
    }
    Ok(())
}

async fn put_at_once(ground: &Ground, tasks: u64) -> anyhow::Result<()> {
    let client = ground.client();
    for number in 0..tasks {
        tokio::time::sleep(BETWEEN).await;
        let key = Some(Bytes::from(format!("at-once-{number}")));
        client.put_with(key, &Bytes::from_static(b"now"), PutOptions::default()).await?;
    }
    Ok(())
}

async fn collect(
    runs: &mut UnboundedReceiver<Run>,
    expected: u64,
    patience: Duration,
) -> anyhow::Result<Vec<Run>> {
    let mut all = Vec::new();
    let collected = async {
        while (all.len() as u64) < expected {
            all.push(runs.recv().await.context("the queue ended")?);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(patience, collected).await.context("tasks are still out")??;
    Ok(all)
}

fn judge(backend: Backend, runs: &[Run], options: &Options) {
    let name =
        format!("{}, {} tasks delayed by up to {} s", backend.name(), options.delayed_tasks, options.delay);
    let early = runs.iter().filter(|run| run.ran < run.due).count();
    println!("{name}, on one partition");
    verdict("run before their time", early as f64, ..=0.0);
    for (what, delayed) in [("delayed", true), ("due at once, meanwhile", false)] {
        let mut late: Vec<u64> = runs
            .iter()
            .filter(|run| run.delayed == delayed)
            .map(|run| run.ran.saturating_sub(run.due))
            .collect();
        late.sort_unstable();
        let p99 = late.get(late.len() * 99 / 100).copied().unwrap_or_default();
        verdict(&format!("{what}: 99th percentile of lateness, ms"), p99 as f64, ..=AIM);
    }
}
