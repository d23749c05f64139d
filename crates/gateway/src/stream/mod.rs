//! How devices follow their log: streams, long-poll, sync, snapshots.
//!
//! ```text
//! shard ──Delivery──► WorkerSink ──bounded──► Hub (one per worker) ──► Outbox ──► body of GET /v1/stream
//!                                              │ frame starts at cursor + 1 and there is room: appended
//!                                              └ else: the stream is marked behind, its DeviceActor reads the log
//! ```
//! The gateway owns a stream's cursor (log id, revision). A frame is appended only if it starts at cursor + 1; whatever
//! else happens, the log is read from the cursor on. So there is no gap and no repeat, and a slow device costs a mark, not
//! a queue. Only durable rows are ever read or pushed.

mod body;
mod device;
mod document;
mod heartbeat;
mod hub;
mod live;
mod log;
mod merge;
mod open;
mod operations;
mod outbox;
mod position;
mod report;
pub mod snapshot;
mod sync;

use actix_web::web::ServiceConfig;

pub(crate) use document::Paths;
pub use hub::{Hub, Hubs};
pub use report::{StreamReport, StreamsReport, Wanted};

use crate::request::route::resource;

/// The routes of this module. The app must hold the `Gateway` state as `Data` and a [`Hub`] per worker.
pub fn configure(routes: &mut ServiceConfig) {
    routes
        .service(resource("/v1/stream").watch(open::stream))
        .service(resource("/v1/operations").watch(operations::operations))
        .service(resource("/v1/sync").post(sync::sync))
        .service(resource("/v1/ack").post(sync::ack))
        .service(resource("/v1/snapshots/{category}").get(snapshot::page));
}
