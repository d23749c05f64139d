//! `GET /v1/operations`: a page of the log, and with `wait` a long-poll for it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix_rt::time::timeout;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use denrei_actors::session::{Session, StreamId};
use denrei_model::id::{AccountId, LogId};
use denrei_model::position::Revision;
use denrei_model::tag::Tag;
use denrei_model::wire::frame::{MAX_COUNT, Operations};
use denrei_model::wire::{FullSync, FullSyncReason};
use serde::Deserialize;

use super::device::{StreamState, now_ms};
use super::hub::Hub;
use super::log::{self, Bounds, Page};
use super::open::{position, refuse_when_leaving, session_problem};
use super::outbox::Outbox;
use super::position::{Claim, full_sync, head, head_position, judge};
use crate::auth::Caller;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::request::Query;
use crate::state::Gateway;

/// How many operations an answer holds if nothing is said.
const COUNT: usize = 100;
/// An answer is full with so many bytes, although there is more.
const BYTES: usize = 1024 * 1024;

/// What is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationsQuery {
    /// Of which log one holds a copy; absent on a device that has nothing.
    log_id: Option<LogId>,
    /// Up to which revision.
    revision: Option<Revision>,
    /// The tag there.
    tag: Option<Tag>,
    /// From the last FullSync: lifts the limit of how far one may be behind.
    resume_token: Option<String>,
    /// Most operations to answer with, 1 to 1,000; 100 if absent. An answer of large operations holds fewer: `head` says whether there is more.
    count: Option<u32>,
    /// Seconds to wait when there are none.
    wait: Option<u32>,
}

/// What the log has for a device.
pub(super) enum Found {
    Operations(Operations),
    Nothing(denrei_model::wire::Position),
    FullSync(FullSync),
}

/// A count of operations within its bounds.
pub(super) fn count(asked: Option<u32>) -> Result<usize, Problem> {
    match asked {
        None => Ok(COUNT),
        Some(count @ 1..=MAX_COUNT) => Ok(count as usize),
        Some(_) => {
            let detail = format!("`count` must be 1 to {MAX_COUNT}");
            Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "count"))
        }
    }
}

/// Looks what follows a device's position.
pub(super) async fn look(
    gateway: &Gateway,
    account: AccountId,
    claim: &Claim,
    count: usize,
) -> Result<Found, Problem> {
    let moment = gateway.reader.snapshot().await?;
    let head = head(&*moment, account).await?;
    let head = head.ok_or_else(|| Problem::new(Code::NoSuchAccount))?;
    let judged = judge(gateway, &*moment, account, &head, claim).await?;
    let at = match judged {
        Ok(position) => position,
        Err(reason) => return Ok(Found::FullSync(full_sync(gateway, account, &head, reason))),
    };
    let bounds = Bounds { count, bytes: BYTES };
    match log::page(&*moment, account, &head, at.revision, bounds).await? {
        Page::Hole => {
            let head = log::renew(gateway, account, &head).await?;
            Ok(Found::FullSync(full_sync(gateway, account, &head, FullSyncReason::Hole)))
        }
        Page::Operations(operations) if operations.is_empty() => {
            Ok(Found::Nothing(head_position(gateway, &head)))
        }
        Page::Operations(operations) => {
            let head = Some(head_position(gateway, &head));
            Ok(Found::Operations(Operations { log_id: at.log_id, operations, head }))
        }
    }
}

/// Gives the operations that follow a position; with `wait` it waits for one.
#[utoipa::path(
    get, path = "/v1/operations", operation_id = "operations", tag = "sync",
    params(OperationsQuery),
    responses(
        (status = 200, body = Operations),
        (status = 204, description = "There are none, also after the wait."), refused::NoSuchAccount,
        refused::FullSyncRequired, refused::TooEarly,
    ),
)]
pub(super) async fn operations(
    caller: Caller,
    query: Query<OperationsQuery>,
    gateway: Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let count = count(query.count)?;
    let claim =
        Claim { position: position(query.log_id, query.revision, query.tag)?, resume: query.resume_token };
    let wait = Duration::from_secs(u64::from(query.wait.unwrap_or(0)));
    let wait = wait.min(Duration::from_millis(gateway.options.max_wait_ms.get()));
    if wait.is_zero() {
        return answer(look(&gateway, caller.account, &claim, count).await?);
    }
    let hub = request.app_data::<Hub>().ok_or_else(|| Problem::new(Code::Internal))?.clone();
    refuse_when_leaving(&hub)?;
    // Told from here on, the log is read after that: whatever becomes durable is found or heard of.
    let waiting = Waiting::begin(&gateway, &hub, &caller).await?;
    let found = timeout(wait, async {
        loop {
            match look(&gateway, caller.account, &claim, count).await? {
                Found::Nothing(_) if !hub.is_leaving() => waiting.news.notified().await,
                found => return Ok::<_, Problem>(found),
            }
        }
    });
    match found.await {
        Ok(found) => answer(found?),
        Err(_) => Ok(HttpResponse::NoContent().finish()),
    }
}

fn answer(found: Found) -> Result<HttpResponse, Problem> {
    match found {
        Found::Operations(operations) => Ok(HttpResponse::Ok().json(operations)),
        Found::Nothing(_) => Ok(HttpResponse::NoContent().finish()),
        Found::FullSync(full_sync) => {
            let full_sync = serde_json::to_value(full_sync).map_err(|_| Problem::new(Code::Internal))?;
            Err(Problem::new(Code::FullSyncRequired).with("full_sync", full_sync))
        }
    }
}

/// A long-poll's place among the sessions of its account; given up when it is dropped.
struct Waiting {
    gateway: Gateway,
    hub: Hub,
    account: AccountId,
    stream: StreamId,
    news: Rc<tokio::sync::Notify>,
}

impl Waiting {
    async fn begin(gateway: &Gateway, hub: &Hub, caller: &Caller) -> Result<Self, Problem> {
        let stream = hub.next_id();
        let state = Rc::new(RefCell::new(StreamState {
            account: caller.account,
            device: caller.device,
            cursor: None,
            reading: true,
            behind: true,
            opened: now_ms(gateway),
            written: now_ms(gateway),
            outbox: Rc::new(RefCell::new(Outbox::new(0))),
        }));
        let news = hub.add_poll(stream, state);
        let waiting =
            Self { gateway: gateway.clone(), hub: hub.clone(), account: caller.account, stream, news };
        let session = Session {
            account: caller.account,
            device: caller.device,
            number: caller.number,
            stream,
            sink: hub.sink(),
        };
        gateway.runtime.register(session).await.map_err(session_problem)?;
        Ok(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.hub.remove(self.stream);
        self.gateway.runtime.end(self.account, self.stream);
    }
}
