//! `GET /v1/devices`: one's own devices.

use actix_web::web::{Data, Json};
use denrei_model::clock::Day;
use denrei_model::id::DeviceId;
use denrei_model::row::{DeviceKey, Key, KeyRange};
use denrei_model::wire::account::{Device, Devices};
use denrei_storage::shard::{Fetch, Scan};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::Gateway;

/// Devices that one looks through, those logged out included.
const LOOKED: usize = 10_000;

/// Lists one's devices that are not logged out, the oldest first.
#[utoipa::path(
    get, path = "/v1/devices", operation_id = "list_devices", tag = "devices",
    responses((status = 200, body = Devices)),
)]
pub(in crate::api) async fn list(caller: Caller, gateway: Data<Gateway>) -> Result<Json<Devices>, Problem> {
    let key = |device| DeviceKey { account: caller.account, device };
    let range = KeyRange::new(key(DeviceId::default()), key(DeviceId::MAX));
    let fetch = Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, LOOKED)] };
    let fetched = gateway.reader.fetch(fetch).await?;
    let mut devices: Vec<Device> = fetched
        .scan::<DeviceKey>(0)
        .filter(|(_, row)| row.revoked_at == 0)
        .filter_map(|(key, row)| {
            let Key::Device(DeviceKey { device, .. }) = key else { return None };
            Some(Device {
                device: *device,
                name: row.name.clone(),
                platform: row.platform.clone(),
                created_at: row.created_at,
                last_seen: Day::from_number(row.seen_day).to_yyyymmdd(),
                current: *device == caller.device,
            })
        })
        .collect();
    devices.sort_by_key(|device| (device.created_at, device.device));
    Ok(Json(Devices { devices }))
}
