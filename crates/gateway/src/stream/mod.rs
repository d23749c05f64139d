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
mod heartbeat;
mod hub;
mod log;
mod open;
mod operations;
mod outbox;
mod position;
pub mod snapshot;
mod sync;

use actix_web::web::{ServiceConfig, get, post};

pub use hub::{Hub, Hubs, StreamReport};

/// The routes of this module. The app must hold the `Gateway` state as `Data` and a [`Hub`] per worker.
pub fn configure(routes: &mut ServiceConfig) {
    routes
        .route("/v1/stream", get().to(open::stream))
        .route("/v1/operations", get().to(operations::operations))
        .route("/v1/sync", post().to(sync::sync))
        .route("/v1/ack", post().to(sync::ack))
        .route("/v1/snapshots/{category}", get().to(snapshot::page));
}
