//! `/debug/queues/{topic}/{group}/timers`: tasks that wait for their time.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use denrei_gateway::problem::{Code, Problem};
use denrei_gateway::request::Query;
use denrei_model::clock::Timestamp;
use denrei_storage::log::{TimerId, TimerQuery};
use serde::Deserialize;

use super::QueuesAdmin;
use super::asked::Asked;
use super::page::{MoveRequest, TimerPage, Timers, timer_id};
use super::refusal::{limit, problem};
use super::state::Named;

/// Which timers are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// All partitions if absent.
    partition: Option<u32>,
    limit: Option<usize>,
}

/// One timer.
#[derive(Deserialize)]
pub(super) struct One {
    partition: u32,
    timer: String,
}

impl One {
    fn id(&self) -> Result<TimerId, Problem> {
        timer_id(&self.timer).ok_or_else(|| {
            Problem::new(Code::InvalidRequest)
                .detail("a timer is named <offset>.<attempt>")
                .with("field", "timer")
        })
    }
}

/// `GET …`: the timers of each partition, the earliest first.
pub(super) async fn list(
    named: Path<Named>,
    query: Query<Listed>,
    admin: Data<QueuesAdmin>,
) -> Result<Json<Timers>, Problem> {
    let (queue, query) = (admin.find(&named)?, query.into_inner());
    let limit = limit(query.limit)?;
    let mut timers = Vec::new();
    for partition in queue.partitions(query.partition).await.map_err(problem)? {
        let left = TimerQuery::first(limit.saturating_sub(timers.len()));
        let place = queue.place(partition).await.map_err(problem)?;
        let found = queue.admin.timers(&place, left).await.map_err(problem)?;
        timers.extend(found.iter().map(|timer| TimerPage::new(partition, timer)));
    }
    Ok(Json(Timers { timers }))
}

/// `DELETE …/{partition}/{timer}`: the task will not run.
pub(super) async fn cancel(
    named: Path<Named>,
    one: Path<One>,
    admin: Data<QueuesAdmin>,
) -> Result<HttpResponse, Problem> {
    let queue = admin.find(&named)?;
    let place = queue.place(one.partition).await.map_err(problem)?;
    let there = queue.admin.cancel_timer(&place, one.id()?).await.map_err(problem)?;
    done(there, &one, "a timer was cancelled")
}

/// `PUT …/{partition}/{timer}`: the task runs at another time.
pub(super) async fn reschedule(
    named: Path<Named>,
    one: Path<One>,
    Asked(body): Asked<MoveRequest>,
    admin: Data<QueuesAdmin>,
) -> Result<HttpResponse, Problem> {
    let queue = admin.find(&named)?;
    let place = queue.place(one.partition).await.map_err(problem)?;
    let due = Timestamp::from_millis(body.due);
    let there = queue.admin.move_timer(&place, one.id()?, due).await.map_err(problem)?;
    done(there, &one, "a timer was moved")
}

fn done(there: bool, one: &One, what: &str) -> Result<HttpResponse, Problem> {
    if !there {
        return Err(Problem::new(Code::NotFound).detail("there is no such timer"));
    }
    tracing::info!(partition = one.partition, timer = one.timer, "{what}");
    Ok(HttpResponse::NoContent().finish())
}
