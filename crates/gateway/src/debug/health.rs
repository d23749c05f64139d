//! `GET /healthz` and `GET /readyz`: for whoever starts nodes, and for whoever sends requests to them.

use actix_web::web::Data;

use super::Debug;
use crate::problem::{Code, Problem};

/// The process serves.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node takes requests: every shard is claimed, and it has not been told to stop.
pub(super) async fn readyz(debug: Data<Debug>) -> Result<&'static str, Problem> {
    if debug.is_ready() {
        return Ok("ready\n");
    }
    Err(Problem::new(Code::Unavailable).detail("the node is starting or going"))
}
