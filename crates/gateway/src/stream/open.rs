//! `GET /v1/stream`: sign-on, what was missed, and from then on what happens.

use std::cell::RefCell;
use std::rc::Rc;

use actix::Actor as _;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use denrei_actors::session::{Session, SessionRefused};
use denrei_model::id::LogId;
use denrei_model::position::Revision;
use denrei_model::tag::Tag;
use denrei_model::wire::Position;
use serde::Deserialize;

use super::body::StreamBody;
use super::device::{Begin, DeviceActor, StreamState, now_ms};
use super::hub::Hub;
use super::outbox::Outbox;
use super::position::Claim;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::state::Gateway;

/// Where the device stands, in the query: all three or none.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PositionQuery {
    /// Of which log one holds a copy; absent on a device that has nothing.
    log_id: Option<LogId>,
    /// Up to which revision.
    revision: Option<Revision>,
    /// The tag there.
    tag: Option<Tag>,
    /// From the last FullSync: lifts the limit of how far one may be behind.
    resume_token: Option<String>,
}

impl PositionQuery {
    pub(super) fn claim(self) -> Result<Claim, Problem> {
        let position = position(self.log_id, self.revision, self.tag)?;
        Ok(Claim { position, resume: self.resume_token })
    }
}

/// All of a position, or nothing of it.
pub(super) fn position(
    log_id: Option<LogId>,
    revision: Option<Revision>,
    tag: Option<Tag>,
) -> Result<Option<Position>, Problem> {
    match (log_id, revision, tag) {
        (Some(log_id), Some(revision), Some(tag)) => Ok(Some(Position { log_id, revision, tag })),
        (None, None, None) => Ok(None),
        _ => Err(Problem::new(Code::InvalidRequest)
            .detail("`log_id`, `revision` and `tag` go together: send all or none")),
    }
}

/// Refuses to begin what would be ended at once.
pub(super) fn refuse_when_leaving(hub: &Hub) -> Result<(), Problem> {
    if hub.is_leaving() {
        return Err(Problem::new(Code::Unavailable).detail("this node is going; connect again in a moment"));
    }
    Ok(())
}

/// A refused session as a problem.
pub(super) fn session_problem(refused: SessionRefused) -> Problem {
    match refused {
        SessionRefused::Revoked => Problem::new(Code::TokenRevoked),
        SessionRefused::Overloaded => Problem::new(Code::Overloaded),
        SessionRefused::Unavailable => Problem::new(Code::Unavailable),
    }
}

/// Opens the stream of the calling device: sign-on, what was missed, and from then on what happens.
///
/// An older stream of the same device is told `replaced`. A stream outlives its access token.
#[utoipa::path(
    get, path = "/v1/stream", operation_id = "stream", tag = "sync",
    params(PositionQuery),
    responses(
        (
            status = 200, body = denrei_model::wire::Frame, content_type = "application/x-ndjson",
            description = "Newline-delimited JSON: a frame a line, until the stream ends. The first is `sign_on`."
        ),
        crate::openapi::refused::TooEarly,
    ),
)]
pub(super) async fn stream(
    caller: Caller,
    query: Query<PositionQuery>,
    gateway: Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let hub = request.app_data::<Hub>().ok_or_else(|| Problem::new(Code::Internal))?.clone();
    refuse_when_leaving(&hub)?;
    let claim = query.into_inner().claim()?;
    let gateway = Gateway::clone(&gateway);
    let outbox = Rc::new(RefCell::new(Outbox::new(gateway.options.outbox_bytes.get() as usize)));
    let state = Rc::new(RefCell::new(StreamState {
        account: caller.account,
        device: caller.device,
        cursor: None,
        reading: false,
        behind: true,
        opened: now_ms(&gateway),
        written: now_ms(&gateway),
        outbox: Rc::clone(&outbox),
    }));
    let id = hub.next_id();
    let actor = DeviceActor {
        gateway: gateway.clone(),
        hub: hub.clone(),
        stream: id,
        state: Rc::clone(&state),
        claim,
    };
    let actor = actor.start();
    // From here on the drop of the body ends the actor, also when this request is dropped while it waits.
    let body = StreamBody::new(outbox, actor.clone());
    hub.add(id, state, actor.clone());
    let session = Session {
        account: caller.account,
        device: caller.device,
        number: caller.number,
        stream: id,
        sink: hub.sink(),
    };
    gateway.runtime.register(session).await.map_err(session_problem)?;
    actor.do_send(Begin);
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "application/x-ndjson"))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .body(body))
}
