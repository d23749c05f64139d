//! `GET /debug/devices/{account}/{device}`: a device and where its tokens stand, without what they are made of.

use actix_web::web::{Data, Json, Path};
use denrei_actors::entity::EntityRef;
use denrei_model::clock::Day;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::{DeviceKey, DeviceRow};
use denrei_storage::shard::Fetch;
use serde::Serialize;

use super::Debug;
use super::whereabouts::Whereabouts;
use crate::problem::{Code, Problem};

/// A device's row. Its family is a secret, and is not here.
#[derive(Serialize)]
pub(super) struct DeviceView {
    device: DeviceId,
    name: String,
    platform: String,
    created_at: u64,
    /// How many times its tokens were renewed.
    number: u32,
    access_until: u64,
    access_until_before: u64,
    /// Whether the current tokens have been used.
    used: bool,
    /// `yyyymmdd`.
    last_seen: u32,
    /// Absent while it may come.
    revoked_at: Option<u64>,
}

impl DeviceView {
    pub(super) fn of(device: DeviceId, row: &DeviceRow) -> Self {
        Self {
            device,
            name: row.name.clone(),
            platform: row.platform.clone(),
            created_at: row.created_at,
            number: row.number,
            access_until: row.access_until,
            access_until_before: row.access_until_before,
            used: row.used,
            last_seen: Day::from_number(row.seen_day).to_yyyymmdd(),
            revoked_at: (row.revoked_at != 0).then_some(row.revoked_at),
        }
    }
}

/// A device, as its durable row and the shard of its account have it.
#[derive(Serialize)]
pub(super) struct DevicePage {
    account: AccountId,
    /// Of the account; of its sessions those of the device.
    whereabouts: Whereabouts,
    row: DeviceView,
}

/// Shows it.
pub(super) async fn show(
    path: Path<(AccountId, DeviceId)>,
    debug: Data<Debug>,
) -> Result<Json<DevicePage>, Problem> {
    let (account, device) = *path;
    let fetch = Fetch { keys: vec![DeviceKey { account, device }.into()], scans: Vec::new() };
    let fetched = debug.gateway.reader.fetch(fetch).await?;
    let row = fetched.row::<DeviceKey>(0).ok_or_else(|| {
        Problem::new(Code::NotFound).detail(format!("the account {account} has no device {device}"))
    })?;
    let whereabouts = Whereabouts::of(&debug, &EntityRef::Account(account)).await.of_device(device);
    Ok(Json(DevicePage { account, whereabouts, row: DeviceView::of(device, row) }))
}
