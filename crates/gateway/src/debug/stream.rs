//! `GET /debug/streams`: the open streams, as the workers' hubs have them.

use actix_rt::time::timeout;
use actix_web::web::{Data, Json};
use denrei_model::id::AccountId;
use serde::{Deserialize, Serialize};

use super::Debug;
use super::bound::limit;
use super::survey::PATIENCE;
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::stream::{StreamsReport, Wanted};

/// Which streams are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// Those of one account.
    account: Option<AccountId>,
    /// Those after this one, by id: the last of the page before.
    after: Option<u64>,
    /// At most so many, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
}

/// Some of the open streams.
#[derive(Serialize)]
pub(super) struct StreamList {
    #[serde(flatten)]
    report: StreamsReport,
    /// Whether there are more than are shown.
    more: bool,
}

/// Shows them.
pub(super) async fn list(query: Query<StreamQuery>, debug: Data<Debug>) -> Result<Json<StreamList>, Problem> {
    let StreamQuery { account, after, limit: most } = query.0;
    let wanted = Wanted { account, after, most: limit(most)? };
    let report = timeout(PATIENCE, debug.hubs.report(wanted))
        .await
        .map_err(|_| Problem::new(Code::Unavailable).detail("a worker does not answer"))?;
    let more = report.matching > report.streams.len();
    Ok(Json(StreamList { report, more }))
}
