//! `GET /debug/shards` and `GET /debug/shards/{shard}`: how they are.

use actix_web::web::{Data, Json, Path};
use denrei_actors::name::link_name;
use denrei_actors::shard::ShardReport;
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
    #[serde(flatten)]
    figures: Option<ShardFigures>,
}

/// A report without its lists.
#[derive(Serialize)]
struct ShardFigures {
    epoch: u64,
    queued_commands: usize,
    queued_records: usize,
    active: usize,
    sessions: usize,
    pinned_rows: usize,
    waiting: usize,
    last_ticket: u64,
    durable: u64,
    turns: u64,
    shed: u64,
    panics: u64,
    skipped: u64,
    repeats: u64,
    pulled: u64,
    last_error: Option<String>,
}

impl From<&ShardReport> for ShardFigures {
    fn from(report: &ShardReport) -> Self {
        Self {
            epoch: report.epoch,
            queued_commands: report.queued_commands,
            queued_records: report.queued_records,
            active: report.active,
            sessions: report.sessions,
            pinned_rows: report.pinned_rows,
            waiting: report.waiting,
            last_ticket: report.last_ticket,
            durable: report.durable,
            turns: report.turns,
            shed: report.shed,
            panics: report.panics,
            skipped: report.skipped,
            repeats: report.repeats,
            pulled: report.pulled,
            last_error: report.last_error.clone(),
        }
    }
}

/// All that one shard tells of itself.
#[derive(Serialize)]
pub(super) struct ShardPage {
    shard: Shard,
    state: State,
    report: Option<Box<ShardReport>>,
}

/// Shows all of them.
pub(super) async fn list(debug: Data<Debug>) -> Json<ShardList> {
    let answers = survey::all(&debug.gateway.runtime).await;
    Json(ShardList { shards: answers.iter().map(|(shard, answer)| line(*shard, answer)).collect() })
}

pub(super) fn line(shard: Shard, answer: &Answer) -> ShardLine {
    ShardLine { shard, state: answer.state(), figures: answer.report().map(ShardFigures::from) }
}

/// Shows one.
pub(super) async fn show(number: Path<u16>, debug: Data<Debug>) -> Result<Json<ShardPage>, Problem> {
    let (runtime, shard) = (&debug.gateway.runtime, Shard::new(*number));
    let shards = runtime.shards().len();
    if shard.get() >= shards {
        let detail = format!("there is no shard {shard}: they are 0 to {}", shards - 1);
        return Err(Problem::new(Code::NotFound).detail(detail));
    }
    let answer = survey::one(runtime, shard, None).await;
    let state = answer.state();
    let mut report = if let Answer::Report(report) = answer { Some(report) } else { None };
    report.iter_mut().flat_map(|report| &mut report.entities).for_each(hide_code);
    Ok(Json(ShardPage { shard, state, report }))
}

/// A code that links a device is a name too, and whoever knows it gets into the account.
fn hide_code(entity: &mut String) {
    let (kind, link) = ("Name(\"", link_name(""));
    if entity.strip_prefix(kind).is_some_and(|name| name.starts_with(&link)) {
        *entity = format!("{kind}{link}…\")");
    }
}
