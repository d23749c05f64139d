//! `POST /v1/sync`: the missing operations, or the reason for a FullSync. `POST /v1/ack`: what a device has stored.

use actix_web::HttpResponse;
use actix_web::web::Data;
use denrei_model::wire::frame::{AckRequest, Frame, Heartbeat, SyncRequest, UpToDate};
use denrei_model::wire::{FullSyncReason, Position};

use super::operations::{Found, count, look};
use super::position::{Claim, full_sync, head};
use crate::auth::Caller;
use crate::openapi::refused;
use crate::problem::{Code, Problem};
use crate::request::{Body, Change};
use crate::state::Gateway;

impl Body for SyncRequest {
    fn check(&self) -> Result<(), Problem> {
        count(self.count).map(|_| ())
    }
}

impl Body for AckRequest {
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Gives the missing operations, or the reason for a FullSync.
#[utoipa::path(
    post, path = "/v1/sync", operation_id = "sync", tag = "sync",
    request_body = SyncRequest,
    responses(

        (status = 200, body = Frame, description = "`operations`, `heartbeat` when nothing is missing, or `full_sync`."),
        refused::NoSuchAccount,
    ),
)]
pub(super) async fn sync(
    asked: Change<SyncRequest>,
    gateway: Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let caller = asked.caller;
    let SyncRequest { position, reason, resume_token, count: asked } = asked.body;
    let count = count(asked)?;
    if let Some(reason) = reason {
        return demanded(&caller, reason, &gateway).await;
    }
    let claim = Claim { position, resume: resume_token };
    let frame = match look(&gateway, caller.account, &claim, count).await? {
        Found::Operations(operations) => Frame::Operations(operations),
        Found::Nothing(head) => {
            Frame::Heartbeat(Heartbeat { head, date: gateway.clock.now().day().to_yyyymmdd() })
        }
        Found::FullSync(full_sync) => Frame::FullSync(full_sync),
    };
    Ok(HttpResponse::Ok().json(frame))
}

/// A FullSync that the device itself asks for.
async fn demanded(
    caller: &Caller,
    reason: FullSyncReason,
    gateway: &Gateway,
) -> Result<HttpResponse, Problem> {
    match reason {
        FullSyncReason::Corruption | FullSyncReason::Manual | FullSyncReason::Initialization => {}
        FullSyncReason::Gap | FullSyncReason::Hole | FullSyncReason::Continuity => {
            let detail = "`reason` may be `corruption`, `manual` or `initialization`; the others are for the server to find";
            return Err(Problem::new(Code::InvalidRequest).detail(detail).with("field", "reason"));
        }
    }
    let moment = gateway.reader.snapshot().await?;
    let head = head(&*moment, caller.account).await?;
    let head = head.ok_or_else(|| Problem::new(Code::NoSuchAccount))?;
    Ok(HttpResponse::Ok().json(Frame::FullSync(full_sync(gateway, caller.account, &head, reason))))
}

/// Takes note of what a device has stored, and says where the server stands.
#[utoipa::path(
    post, path = "/v1/ack", operation_id = "ack", tag = "sync",
    request_body = AckRequest,
    responses((status = 200, body = UpToDate), refused::NoSuchAccount, refused::FullSyncRequired),
)]
pub(super) async fn ack(asked: Change<AckRequest>, gateway: Data<Gateway>) -> Result<HttpResponse, Problem> {
    let caller = asked.caller;
    let AckRequest { revision, tag, log_id } = asked.body;
    let claim = Claim { position: Some(Position { log_id, revision, tag }), resume: None };
    match look(&gateway, caller.account, &claim, 1).await? {
        Found::Nothing(head) => Ok(HttpResponse::Ok().json(UpToDate { head })),
        Found::Operations(operations) => match operations.head {
            Some(head) => Ok(HttpResponse::Ok().json(UpToDate { head })),
            None => Err(Problem::new(Code::Internal)),
        },
        Found::FullSync(full_sync) => {
            let full_sync = serde_json::to_value(full_sync).map_err(|_| Problem::new(Code::Internal))?;
            Err(Problem::new(Code::FullSyncRequired).with("full_sync", full_sync))
        }
    }
}
