//! `GET /metrics`: the node in figures, in Prometheus' text format.
//!
//! ```text
//! tables of figures: node, server, routes, shards, store ──► exposition ──► text ◄── what a recorder of the `metrics` crate has
//! ```
//! The figures are read when they are asked for and kept nowhere; each is a line in the table of what it is read from. No
//! label names an account, a chat or a device, so the page has the same size however many there are. `docs/metrics.md` lists
//! every figure; a test holds the page to the tables.

mod exposition;
mod node;
mod requests;
mod shards;
mod store;

use actix_web::HttpResponse;
use actix_web::web::Data;

pub(super) use node::resident_bytes;
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
    requests::write(&mut text, &debug.gateway.traffic);
    shards::write(&mut text, &debug.last_told, &debug.gateway.runtime, answers);
    if let Some(figures) = debug.store_figures() {
        store::write(&mut text, &figures);
    }
    if let Some(recorded) = debug.recorded() {
        text.push_str(&recorded);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(text)
}
