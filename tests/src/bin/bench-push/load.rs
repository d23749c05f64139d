//! So many sends a second, whatever the server does; one round of it.

use std::time::Duration;

use anyhow::ensure;
use denrei_model::clock::{Clock as _, SystemClock};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::cpu::cpu_seconds;
use crate::times::{Log, quantile};

/// How long the last pushes may take.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(1);
/// A whole number of ticks of the kernel's accounting is small against what a round uses.
const TICK: Duration = Duration::from_millis(1);

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Messages a second.
    pub(crate) rate: usize,
    /// Messages in all.
    pub(crate) count: usize,
}

/// Something that takes messages and pushes them.
pub(crate) trait Target {
    /// The times of its messages.
    fn log(&self) -> &Log;

    /// Its process.
    fn process(&self) -> u32;

    /// A message with this number; ends when its sender is told that it is durable.
    fn send(&self, number: usize) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + 'static>;
}

/// What a round gave. Milliseconds.
pub(crate) struct Round {
    /// From sending to the push.
    pub(crate) in_all: Quantiles,
    /// From the answer to the push.
    pub(crate) beyond: Quantiles,
    /// Deliveries for each second of the server's processor time.
    pub(crate) per_core_second: f64,
    /// Deliveries a second.
    pub(crate) rate: f64,
}

/// Of a latency.
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Quantiles {
    fn of(sorted: &[f64]) -> Self {
        Self { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
    }
}

/// Sends all of it at its pace, and waits until every message has reached its device.
pub(crate) async fn run(target: &impl Target, load: Load) -> anyhow::Result<Round> {
    let log = target.log();
    log.begin();
    let (clock, before) = (SystemClock::new(), cpu_seconds(target.process())?);
    let (begun, mut sends) = (Instant::now(), JoinSet::new());
    for sent in 0..load.count {
        let due = Duration::from_secs_f64(sent as f64 / load.rate as f64);
        // The timer is no finer than this: what falls into one of its steps is sent at once.
        sleep_until(begun + due.saturating_sub(TICK)).await;
        let number = log.send();
        let (sending, log) = (target.send(number)?, log.clone());
        sends.spawn_local(async move {
            sending.await?;
            log.durable(number);
            anyhow::Ok(())
        });
        while let Some(ended) = sends.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = sends.join_next().await {
        ended??;
    }
    let last = clock.monotonic();
    while log.arrived() < load.count {
        ensure!(clock.monotonic() - last < PATIENCE, "{} of {} arrived", log.arrived(), load.count);
        sleep(LOOK).await;
    }
    let used = cpu_seconds(target.process())? - before;
    Ok(Round {
        in_all: Quantiles::of(&log.in_all()),
        beyond: Quantiles::of(&log.beyond()),
        per_core_second: load.count as f64 / used.max(0.01),
        rate: load.count as f64 / clock.monotonic().as_secs_f64(),
    })
}
