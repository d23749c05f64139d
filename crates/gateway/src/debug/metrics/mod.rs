//! `GET /metrics`: the node in figures, in Prometheus' text format.
//!
//! ```text
//! what is:       tables of figures: node, server, shards, store ──► exposition ─┐
//! what happens:  requests, the queue ──► `metrics` ──► recorder ──────────────┴─► formatting of the recorder's crate ──► text
//! ```
//! What somebody knows anyway is read when it is asked for and kept nowhere; each is a line in the table of what it is read
//! from. What would be forgotten is counted as it happens. No label names an account, a chat or a device, so the page has the
//! same size however many there are. `docs/metrics.md` lists every figure; a test holds the page to them.

mod exposition;
mod node;
mod recorder;
mod shards;
mod store;

use actix_web::HttpResponse;
use actix_web::web::Data;

pub(super) use node::resident_bytes;
pub use recorder::Recorded;
#[cfg(test)]
pub(super) use recorder::recorder;
pub(super) use shards::LastTold;
pub use store::{Durations, EngineFigures, StoreFigures};

use super::Debug;
use super::survey;

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Shows them.
pub(super) async fn page(debug: Data<Debug>) -> HttpResponse {
    let answers = survey::all(&debug.gateway.runtime).await;
    let mut text = String::new();
    node::write(&mut text, &debug);
    shards::write(&mut text, &debug.last_told, &debug.gateway.runtime, answers);
    if let Some(figures) = debug.store_figures() {
        store::write(&mut text, &figures);
    }
    if let Some(recorded) = debug.recorded() {
        text.push_str(&recorded.text());
    }
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(text)
}
