//! Retention: each day, at the hour that the operator has set, what need not be kept is swept away.
//!
//! ```text
//! timer `plan`, one a day ──due──► puts the next hour's plan, and the day's sweeps, in one step
//!                                     ├─► `answers/<shard>`  answers whose keys are refused by now     one per shard
//!                                     └─► `operations`       operations older than they are kept       one per node
//! ```
//! Every timer has a number made of its day and what it is for (and, for a plan that follows one of the same day which was moved to
//! run early, its turn), so that a plan that runs twice, or is put at each start, doubles
//! nothing. A plan puts its successor before anything can go wrong with its sweeps; a sweep that keeps failing becomes a dead letter,
//! and the next day's finds what it has left. Operations are found by one walk over all accounts rather than one per shard,
//! since accounts do not lie in the order of their shards.

mod census;
mod process;
mod schedule;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Json;
use denrei_queue::settings::StaticSettings;
use denrei_queue::{Pipeline, Settings, Subscription};
use denrei_storage::log::{ErrorKind, GroupId, Log, LogError, Place, TimerQuery, TopicConfig, TopicName};

use super::open::Ground;
use super::queue::{Counted, Queue, Running};
use process::Retention;
use schedule::{Job, PLAN};

const TOPIC: &str = "denrei.retention";
const GROUP: &str = "sweep";

/// How long a stop waits for a sweep to notice: each of its steps is one commit.
const PATIENCE_MS: u64 = 5_000;
/// Timers that are looked through for a plan; the first so many by due time.
const LOOKED_THROUGH: usize = 1_000;

/// Makes sure that there is a plan, and begins to run what is due.
pub(super) async fn start(
    log: &Arc<dyn Log>,
    ground: Ground,
    stopping: Arc<AtomicBool>,
) -> anyhow::Result<Queue> {
    let (topic, group) = (TopicName::from(TOPIC), GroupId::from(GROUP));
    // One partition: sweeps take turns, and what waits is looked through once.
    match log.admin().create_topic(&topic, TopicConfig::new(1)).await {
        Err(error) if error.kind() != ErrorKind::TopicExists => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let admin = QueueAdmin::new(&**log, group.clone());
    let clock = Arc::clone(ground.runtime.clock());
    let place = Place::new(topic.clone(), 0);
    let retention = Arc::new(Retention::new(ground, admin.clone(), place, stopping));
    ensure_plan(&retention, &admin).await?;
    let running = Running::default();
    let settings = Settings { shutdown_timeout_ms: PATIENCE_MS, ..Settings::default() };
    let settings = StaticSettings::new(settings)?;
    let (log, name, counted) = (Arc::clone(log), group.clone(), running.clone());
    let tasks = topic.clone();
    let builder = move || {
        let processor = Counted { processor: Arc::clone(&retention), running: counted.clone() };
        Subscription::builder(Arc::clone(&log), Arc::clone(&clock), name.clone())
            .topic(tasks.clone(), Pipeline::new(Json::<Job>::default(), processor))
            .settings(&settings)
    };
    Ok(Queue::start((topic, group), admin, running, builder).await?)
}

/// The first plan of all, and the next one if it was cancelled or given up. One that is overdue runs at once.
async fn ensure_plan(retention: &Retention, admin: &QueueAdmin) -> Result<(), LogError> {
    let waiting = admin.timers(retention.place(), TimerQuery::first(LOOKED_THROUGH)).await?;
    if waiting.iter().any(|timer| timer.key.as_deref() == Some(PLAN.as_bytes())) {
        return Ok(());
    }
    retention.put_next_plan().await
}
