//! `GET /debug/queues`: every queue of the node.

use actix_web::web::{Data, Json};
use denrei_gateway::problem::Problem;
use denrei_queue::State;
use denrei_queue::admin::Lag;
use denrei_storage::log::{LogError, Offset, TimerQuery};

use super::QueuesAdmin;
use super::page::{Overview, PartitionPage, QueuePage};
use super::refusal::problem;
use crate::jobs::queue::Queue;

/// Timers that are counted.
const COUNTED: usize = 1_000;

/// Shows them.
pub(super) async fn list(admin: Data<QueuesAdmin>) -> Result<Json<Overview>, Problem> {
    let mut queues = Vec::new();
    for queue in &*admin.all()? {
        queues.push(page(queue).await.map_err(problem)?);
    }
    Ok(Json(Overview { queues }))
}

async fn page(queue: &Queue) -> Result<QueuePage, LogError> {
    let mut partitions = Vec::new();
    for lag in queue.admin.lag(&queue.topic).await? {
        partitions.push(partition(queue, &lag).await?);
    }
    Ok(QueuePage {
        topic: queue.topic.to_string(),
        group: queue.group.to_string(),
        state: word(queue.state().await).to_owned(),
        in_flight: queue.in_flight(),
        partitions,
    })
}

async fn partition(queue: &Queue, lag: &Lag) -> Result<PartitionPage, LogError> {
    let partition = lag.place.partition.0;
    Ok(PartitionPage {
        partition,
        start: lag.start.0,
        committed: lag.committed.map(|Offset(offset)| offset),
        end: lag.end.0,
        lag: lag.records(),
        timers: queue.admin.timers(&lag.place, TimerQuery::first(COUNTED)).await?.len(),
        dead_letters: queue.admin.count_dead_letters(&queue.topic, partition).await?,
    })
}

const fn word(state: Option<State>) -> &'static str {
    match state {
        None => "stopped",
        Some(State::Initializing) => "initializing",
        Some(State::Running) => "running",
        Some(State::Rebalancing) => "rebalancing",
        Some(State::ShuttingDown) => "shutting_down",
        Some(State::Terminated) => "terminated",
    }
}
