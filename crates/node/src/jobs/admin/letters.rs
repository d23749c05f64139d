//! `/debug/queues/{topic}/{group}/dead-letters`: tasks that were given up.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use denrei_gateway::problem::{Code, Problem};
use denrei_gateway::request::Query;
use denrei_queue::wire::Format;
use denrei_storage::log::Offset;
use serde::Deserialize;

use super::QueuesAdmin;
use super::asked::Asked;
use super::page::{End, LetterPage, Letters, PurgeRequest, RedriveRequest, RedrivenPage, Spot};
use super::refusal::{limit, problem};
use super::state::Named;

/// Which letters are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// All partitions if absent.
    partition: Option<u32>,
    from: Option<u64>,
    limit: Option<usize>,
}

/// One letter.
#[derive(Deserialize)]
pub(super) struct One {
    partition: u32,
    offset: u64,
}

/// `GET …`: the letters from an offset on.
pub(super) async fn list(
    named: Path<Named>,
    query: Query<Listed>,
    admin: Data<QueuesAdmin>,
) -> Result<Json<Letters>, Problem> {
    let (queue, query) = (admin.find(&named)?, query.into_inner());
    let limit = limit(query.limit)?;
    let from = Offset(query.from.unwrap_or_default());
    let mut dead_letters = Vec::new();
    for partition in queue.partitions(query.partition).await.map_err(problem)? {
        let left = limit.saturating_sub(dead_letters.len());
        let letters = queue.admin.dead_letters(&queue.topic, partition, from, left).await.map_err(problem)?;
        dead_letters.extend(letters.iter().map(|letter| LetterPage::new(partition, letter, false)));
    }
    Ok(Json(Letters { dead_letters }))
}

/// `GET …/{partition}/{offset}`: one letter with all that it carries.
pub(super) async fn show(
    named: Path<Named>,
    one: Path<One>,
    admin: Data<QueuesAdmin>,
) -> Result<Json<LetterPage>, Problem> {
    let queue = admin.find(&named)?;
    let One { partition, offset } = *one;
    queue.place(partition).await.map_err(problem)?;
    let found =
        queue.admin.dead_letters(&queue.topic, partition, Offset(offset), 1).await.map_err(problem)?;
    let letter = found.first().filter(|letter| letter.offset == Offset(offset));
    let letter = letter.ok_or_else(|| Problem::new(Code::NotFound).detail("there is no such dead letter"))?;
    Ok(Json(LetterPage::new(partition, letter, true)))
}

/// `POST …/redrive`: puts letters back on their topic.
pub(super) async fn redrive(
    named: Path<Named>,
    Asked(body): Asked<RedriveRequest>,
    admin: Data<QueuesAdmin>,
) -> Result<Json<RedrivenPage>, Problem> {
    let queue = admin.find(&named)?;
    let RedriveRequest { partition, from, limit: asked, purge } = body;
    let limit = limit(asked)?;
    let place = queue.place(partition).await.map_err(problem)?;
    let redriven = queue.admin.redrive(&place, Offset(from), limit, Format::Header).await;
    let redriven = redriven.map_err(problem)?;
    tracing::info!(?place, tasks = redriven.tasks, "dead letters were put back");
    if purge && redriven.tasks > 0 {
        queue.admin.purge(&queue.topic, partition, redriven.next).await.map_err(problem)?;
    }
    Ok(Json(RedrivenPage { tasks: redriven.tasks, next: redriven.next.0 }))
}

/// `POST …/purge`: throws letters away.
pub(super) async fn purge(
    named: Path<Named>,
    Asked(body): Asked<PurgeRequest>,
    admin: Data<QueuesAdmin>,
) -> Result<HttpResponse, Problem> {
    let queue = admin.find(&named)?;
    let PurgeRequest { partition, before } = body;
    queue.place(partition).await.map_err(problem)?;
    let before = match before {
        Spot::Offset(offset) => Offset(offset),
        Spot::End(End::Earliest) => Offset(0),
        Spot::End(End::Latest) => Offset(u64::MAX),
    };
    queue.admin.purge(&queue.topic, partition, before).await.map_err(problem)?;
    tracing::info!(topic = %queue.topic, partition, before = before.0, "dead letters were thrown away");
    Ok(HttpResponse::NoContent().finish())
}
