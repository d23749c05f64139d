//! `GET /debug/accounts/{account}`: what an account is, where its log stands, its devices, and whether it is active.

use actix_web::web::{Data, Json, Path};
use denrei_actors::entity::EntityRef;
use denrei_model::id::{AccountId, DeviceId, LogId};
use denrei_model::operation::Profile;
use denrei_model::position::Revision;
use denrei_model::row::{AccountKey, AccountRow, DeviceKey, HeadKey, HeadRow, Key, KeyRange};
use denrei_model::tag::Tag;
use denrei_storage::shard::{Fetch, Scan};
use serde::Serialize;

use super::Debug;
use super::device::DeviceView;
use super::whereabouts::Whereabouts;
use crate::problem::{Code, Problem};
use crate::state::Gateway;

/// Most devices shown, those logged out included.
const MAX_DEVICES: usize = 200;

/// An account, as its durable rows and its shard have it.
#[derive(Serialize)]
pub(super) struct AccountPage {
    account: AccountId,
    whereabouts: Whereabouts,
    row: Option<AccountView>,
    head: Option<HeadView>,
    /// The first of them by id.
    devices: Vec<DeviceView>,
    more_devices: bool,
}

#[derive(Serialize)]
struct AccountView {
    created_at: u64,
    profile: Profile,
    followers: u32,
    settings: u32,
    devices: u32,
}

impl From<&AccountRow> for AccountView {
    fn from(row: &AccountRow) -> Self {
        Self {
            created_at: row.created_at,
            profile: row.profile.clone(),
            followers: row.followers,
            settings: row.settings,
            devices: row.devices,
        }
    }
}

/// Where a log ends.
#[derive(Serialize)]
pub(super) struct HeadView {
    /// As devices see it.
    log_id: LogId,
    stored_log_id: LogId,
    revision: Revision,
    tag: Tag,
    /// The first revision still kept; 0 while none was trimmed.
    first: Revision,
}

impl HeadView {
    pub(super) fn of(gateway: &Gateway, row: &HeadRow) -> Self {
        Self {
            log_id: gateway.shown(row.log_id),
            stored_log_id: row.log_id,
            revision: row.revision,
            tag: row.tag,
            first: row.first,
        }
    }
}

/// Shows it.
pub(super) async fn show(account: Path<AccountId>, debug: Data<Debug>) -> Result<Json<AccountPage>, Problem> {
    let account = *account;
    let key = |device| DeviceKey { account, device };
    let devices = KeyRange::new(key(DeviceId::default()), key(DeviceId::MAX));
    let fetch = Fetch {
        keys: vec![AccountKey { account }.into(), HeadKey { account }.into()],
        scans: vec![Scan::forward(devices, MAX_DEVICES + 1)],
    };
    let fetched = debug.gateway.reader.fetch(fetch).await?;
    let (row, head) = (fetched.row::<AccountKey>(0), fetched.row::<HeadKey>(1));
    if row.is_none() && head.is_none() {
        return Err(Problem::new(Code::NotFound).detail(format!("there is no account {account}")));
    }
    let mut devices: Vec<DeviceView> = fetched
        .scan::<DeviceKey>(0)
        .filter_map(|(key, row)| {
            let Key::Device(DeviceKey { device, .. }) = key else { return None };
            Some(DeviceView::of(*device, row))
        })
        .collect();
    let more_devices = devices.len() > MAX_DEVICES;
    devices.truncate(MAX_DEVICES);
    Ok(Json(AccountPage {
        account,
        whereabouts: Whereabouts::of(&debug, &EntityRef::Account(account)).await,
        row: row.map(AccountView::from),
        head: head.map(|head| HeadView::of(&debug.gateway, head)),
        devices,
        more_devices,
    }))
}
