//! The debug API: what a node tells its operators, on a port of its own that listens on loopback.
//!
//! ```text
//! /healthz  /readyz  /metrics    without a token: for those who watch from outside
//! /debug/…  ──► guard (the admin token) ──► survey  every shard asked at once, none waited for longer than a second
//!                                       ├─► Reader  durable rows of one moment
//!                                       └─► Hubs    the open streams
//! ```
//! What is not there is told as `not_found`, a part of the path or query that is not as it must be as `invalid_request`. A
//! shard that does not answer is an answer too: `"state": "stuck"`.
//!
//! Invariants: no page changes anything or activates an entity; each is bounded in size and in time; none shows a secret,
//! or what a message says.

mod account;
mod bound;
mod chat;
mod device;
mod guard;
mod handle;
mod health;
mod metrics;
mod node;
mod operation;
mod shard;
mod state;
mod stream;
mod survey;
mod whereabouts;

#[cfg(test)]
mod tests;

use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, Handler, Responder};

pub use metrics::{Durations, EngineFigures, Recorded, StoreFigures};
pub use state::Debug;

use crate::problem::page;
use crate::request::route::{common, resource};

/// The routes of the admin port, and what all routes have in common. The app must hold [`struct@Debug`] as `Data`.
pub fn configure(routes: &mut ServiceConfig) {
    routes.configure(common);
    routes
        .service(resource("/problems/{code}").get(page::get))
        .service(resource("/healthz").probe(health::healthz))
        .service(resource("/readyz").probe(health::readyz))
        .service(resource("/metrics").probe(metrics::page));
    guarded(routes, "/debug/node", node::show);
    guarded(routes, "/debug/shards", shard::list);
    guarded(routes, "/debug/shards/{shard}", shard::show);
    guarded(routes, "/debug/accounts/{account}", account::show);
    guarded(routes, "/debug/accounts/{account}/operations", operation::list);
    guarded(routes, "/debug/chats/{chat}", chat::show);
    guarded(routes, "/debug/devices/{account}/{device}", device::show);
    guarded(routes, "/debug/handles/{handle}", handle::show);
    guarded(routes, "/debug/streams", stream::list);
}

/// A page behind the guard. Each has its own, rather than all of `/debug` one: the admin port has other pages below that
/// path, and which of them is found must not depend on who comes first.
fn guarded<F, Args>(routes: &mut ServiceConfig, path: &str, page: F)
where
    F: Handler<Args>,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    routes.service(resource(path).get(page).whole().wrap(from_fn(guard::admins_only)));
}
