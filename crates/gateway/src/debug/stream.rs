//! `GET /debug/streams`: the open streams, as the workers' hubs have them.

use actix_rt::time::timeout;
use actix_web::web::{Data, Json, Query};
use denrei_model::id::AccountId;
use serde::{Deserialize, Serialize};

use super::Debug;
use super::bound::limit;
use super::survey::PATIENCE;
use crate::problem::{Code, Problem};
use crate::stream::StreamReport;

/// Which streams are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// Those of one account.
    account: Option<AccountId>,
    /// At most so many, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
}

/// Some of the open streams.
#[derive(Serialize)]
pub(super) struct StreamList {
    /// How many are open, long-polls included.
    open: usize,
    /// How many of those are asked for.
    matching: usize,
    /// The first of them by id.
    streams: Vec<StreamReport>,
}

/// Shows them.
pub(super) async fn list(query: Query<StreamQuery>, debug: Data<Debug>) -> Result<Json<StreamList>, Problem> {
    let limit = limit(query.limit)?;
    let mut streams = timeout(PATIENCE, debug.hubs.report())
        .await
        .map_err(|_| Problem::new(Code::Unavailable).detail("a worker does not answer"))?;
    let open = streams.len();
    if let Some(account) = query.account.map(|account| account.to_string()) {
        streams.retain(|stream| stream.account == account);
    }
    let matching = streams.len();
    streams.sort_unstable_by_key(|stream| stream.stream);
    streams.truncate(limit);
    Ok(Json(StreamList { open, matching, streams }))
}
