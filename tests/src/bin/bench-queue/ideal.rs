//! What a queue without any cost of its own would do with tasks that take time.

use std::time::Duration;

use denrei_model::clock::Clock;

use crate::cell::Cell;
use crate::ground::Ground;

/// Sleeps in a row of each sleeper.
const SLEEPS: u32 = 20;

/// Tasks a second: the partition, or the key, that has most to do sets the pace, at the length that a sleep really has while
/// as many sleep as there are permits.
pub(crate) async fn rate(ground: &Ground, cell: &Cell) -> anyhow::Result<f64> {
    let placement = ground.placement().await?;
    let of_one_key = ground.keys.map_or(1, |keys| ground.tasks().div_ceil(keys.max(1)));
    let permits = cell.permits as u64;
    let turns =
        |tasks: u64| if cell.per_key() { of_one_key } else { tasks.div_ceil(permits).max(of_one_key) };
    let turns = placement.iter().map(|tasks| turns(*tasks)).max().unwrap_or_default();
    let sleepers = ground.keys.filter(|_| cell.per_key()).unwrap_or(placement.len() as u64 * permits);
    let sleep = sleep_as_measured(&*ground.clock, cell.takes, sleepers).await?;
    Ok(ground.tasks() as f64 / (turns as f64 * sleep.as_secs_f64()))
}

/// The mean length of a sleep while so many tasks of the runtime sleep again and again.
async fn sleep_as_measured(clock: &dyn Clock, takes: Duration, sleepers: u64) -> anyhow::Result<Duration> {
    let begun = clock.monotonic();
    let sleeper = |_| {
        tokio::spawn(async move {
            for _ in 0..SLEEPS {
                tokio::time::sleep(takes).await;
            }
        })
    };
    let sleepers: Vec<_> = (0..sleepers).map(sleeper).collect();
    for sleeper in sleepers {
        sleeper.await?;
    }
    Ok((clock.monotonic() - begun) / SLEEPS)
}
