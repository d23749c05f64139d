//! `GET /debug/node`: the node at a glance.

use actix_web::web::{Data, Json};
use denrei_model::clock::Timestamp;
use serde::Serialize;

use super::Debug;
use super::metrics::resident_bytes;
use super::survey::{self, State};

/// The node at a glance.
#[derive(Serialize)]
pub(super) struct NodePage {
    version: &'static str,
    ready: bool,
    started_at: Timestamp,
    uptime_s: u64,
    shards: Shards,
    /// Streams and long-polls that the shards know; those of shards that did not answer are missing.
    streams: usize,
    /// Open on the port of devices.
    connections: usize,
    /// Absent where the system does not tell.
    resident_bytes: Option<u64>,
}

/// Shards by how they are.
#[derive(Serialize)]
struct Shards {
    all: usize,
    running: usize,
    stuck: usize,
    stopped: usize,
}

/// Shows it.
pub(super) async fn show(debug: Data<Debug>) -> Json<NodePage> {
    let answers = survey::all(&debug.gateway.runtime).await;
    let count = |state| answers.iter().filter(|(_, answer)| answer.state() == state).count();
    let shards = Shards {
        all: answers.len(),
        running: count(State::Running),
        stuck: count(State::Stuck),
        stopped: count(State::Stopped),
    };
    let figures = answers.iter().filter_map(|(_, answer)| answer.told());
    Json(NodePage {
        version: debug.version,
        ready: debug.is_ready(),
        started_at: debug.started_at(),
        uptime_s: debug.uptime().as_secs(),
        shards,
        streams: figures.map(|figures| figures.sessions).sum(),
        connections: debug.http.stats().connections_open,
        resident_bytes: resident_bytes(),
    })
}
