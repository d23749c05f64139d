//! `POST /debug/queues/{topic}/{group}/reset`: where a group goes on in a partition.

use actix_web::web::{Data, Json, Path};
use denrei_gateway::problem::Problem;

use super::QueuesAdmin;
use super::asked::Asked;
use super::page::{ResetPage, ResetRequest};
use super::refusal::problem;
use super::state::Named;

/// Sets it. The queue stops for that moment, and starts again there.
pub(super) async fn reset(
    named: Path<Named>,
    Asked(body): Asked<ResetRequest>,
    admin: Data<QueuesAdmin>,
) -> Result<Json<ResetPage>, Problem> {
    let queue = admin.find(&named)?;
    let ResetRequest { partition, to } = body;
    let place = queue.place(partition).await.map_err(problem)?;
    let offset = queue.reset(place.clone(), to.reset_to()).await.map_err(problem)?;
    tracing::info!(?place, group = %queue.group, offset = offset.0, "an offset was set");
    Ok(Json(ResetPage { offset: offset.0 }))
}
