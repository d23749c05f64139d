//! `GET /debug/shards` and `GET /debug/shards/{shard}`: how they are.

use actix_web::web::{Data, Json, Path};
use denrei_actors::shard::{ShardFigures, ShardReport};
use denrei_model::shard::Shard;
use serde::Serialize;

use super::Debug;
use super::survey::{self, Answer, State};
use crate::problem::{Code, Problem};

/// Every shard of the node, a line each.
#[derive(Serialize)]
pub(super) struct ShardList {
    shards: Vec<ShardLine>,
}

#[derive(Serialize)]
pub(super) struct ShardLine {
    shard: Shard,
    state: State,
    /// Messages that its actor has not taken up: told of shards that do not answer too.
    mailbox: usize,
    #[serde(flatten)]
    figures: Option<ShardFigures>,
}

/// All that one shard tells of itself.
#[derive(Serialize)]
pub(super) struct ShardPage {
    shard: Shard,
    state: State,
    /// Messages that its actor has not taken up, as they were when it was asked.
    mailbox: usize,
    report: Option<Box<ShardReport>>,
}

/// Shows all of them.
pub(super) async fn list(debug: Data<Debug>) -> Json<ShardList> {
    let runtime = &debug.gateway.runtime;
    let answers = survey::all(runtime).await.into_iter();
    Json(ShardList {
        shards: answers.map(|(shard, answer)| line(shard, runtime.mailbox(shard), answer)).collect(),
    })
}

pub(super) fn line(shard: Shard, mailbox: usize, answer: Answer<ShardFigures>) -> ShardLine {
    let state = answer.state();
    let figures = if let Answer::Told(figures) = answer { Some(*figures) } else { None };
    ShardLine { shard, state, mailbox, figures }
}

/// Shows one.
pub(super) async fn show(number: Path<u16>, debug: Data<Debug>) -> Result<Json<ShardPage>, Problem> {
    let (runtime, shard) = (&debug.gateway.runtime, Shard::new(*number));
    let shards = runtime.shards().len();
    if shard.get() >= shards {
        let detail = format!("there is no shard {shard}: they are 0 to {}", shards - 1);
        return Err(Problem::new(Code::NotFound).detail(detail));
    }
    let mailbox = runtime.mailbox(shard);
    let answer = survey::one(runtime, shard, None).await;
    let state = answer.state();
    let report = if let Answer::Told(report) = answer { Some(report) } else { None };
    Ok(Json(ShardPage { shard, state, mailbox, report }))
}
