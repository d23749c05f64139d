//! `GET /healthz` and `GET /readyz`: for whoever starts nodes, and for whoever sends requests to them.

use std::time::Duration;

use actix_web::web::Data;

use super::Debug;
use crate::problem::{Code, Problem};

/// How long those who find the node not ready are told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The process serves.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The node takes requests: every shard is claimed, and it has not been told to stop.
pub(super) async fn readyz(debug: Data<Debug>) -> Result<&'static str, Problem> {
    if debug.is_ready() {
        return Ok("ready\n");
    }
    let problem = Problem::new(Code::Unavailable).detail("the node is starting or going");
    Err(problem.retry_after(RETRY_AFTER))
}
