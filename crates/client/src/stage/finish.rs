//! The end: everyone comes back and catches up; then each account is looked at with the eyes of a device that has nothing, and
//! its whole history is read.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::Membership;
use denrei_model::position::Seq;
use denrei_model::wire::Position;
use denrei_model::wire::frame::{Frame, FullSyncReason, SyncRequest};
use denrei_model::wire::message::History;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::message::granted;
use super::record::Tape;
use super::{Player, RunError, Stage, Streams};
use crate::device::{Device, LinkError};
use crate::machine::{Machine, Wish};
use crate::state::{LocalState, differences};
use crate::store::MemoryStore;
use crate::transport::Call;

/// How long devices may take to catch up once nothing is sent any more.
const CATCH_UP: Duration = Duration::from_secs(180);
/// Accounts looked at at once.
const LOOKING: usize = 16;
/// Differences kept in words; the rest is counted.
const DIFFERENCES: usize = 1_000;
/// Messages of a page of history.
const PAGE: usize = 100;

/// Waits until nobody learns of anything new for this long, takes the fresh copies, and says where copies differ.
pub(crate) async fn finish(
    stage: &Rc<Stage>,
    players: &[Player],
    streams: Streams,
    quiet: Duration,
) -> Result<Vec<String>, RunError> {
    stage.progress.set_message("catching up");
    let devices: Vec<Rc<Device>> = players.iter().flat_map(|player| player.devices.clone()).collect();
    devices.iter().for_each(|device| device.turn(true));
    let mut found = settle(stage, &devices, quiet).await?;
    devices.iter().for_each(|device| device.end());
    for stream in streams {
        stream.await??;
    }
    stage.progress.set_message("comparing with fresh copies");
    let permits = Arc::new(Semaphore::new(LOOKING));
    let mut looks = Vec::new();
    for player in players {
        let (stage, account, permits) = (Rc::clone(stage), player.account, Arc::clone(&permits));
        let devices = player.devices.clone();
        looks.push(spawn_local(async move {
            let _permit = permits.acquire_owned().await;
            look(&stage, account, &devices).await
        }));
    }
    let mut more = 0;
    for look in looks {
        let differences = look.await??;
        let room = DIFFERENCES.saturating_sub(found.len());
        more += differences.len().saturating_sub(room);
        found.extend(differences.into_iter().take(room));
    }
    found.extend((more > 0).then(|| format!("and {more} more")));
    Ok(found)
}

/// Waits until all devices stand where the server stands, and still do after a quiet while. Names those that do not come to it.
async fn settle(stage: &Rc<Stage>, devices: &[Rc<Device>], quiet: Duration) -> Result<Vec<String>, RunError> {
    let deadline = stage.watch.now() + CATCH_UP;
    let mut before = None;
    loop {
        let (positions, late) = catch_up(stage, devices, deadline).await?;
        if !late.is_empty() || before.as_ref() == Some(&positions) {
            return Ok(late);
        }
        if stage.watch.now() > deadline {
            return Ok(vec!["the accounts do not come to rest".to_owned()]);
        }
        before = Some(positions);
        sleep(quiet).await;
    }
}

/// Where each device stands once it stands where the server does, and words for those that did not in time.
async fn catch_up(
    stage: &Rc<Stage>,
    devices: &[Rc<Device>],
    deadline: Duration,
) -> Result<(Vec<Option<Position>>, Vec<String>), RunError> {
    let permits = Arc::new(Semaphore::new(LOOKING));
    let mut waits = Vec::with_capacity(devices.len());
    for device in devices {
        let (stage, device, permits) = (Rc::clone(stage), Rc::clone(device), Arc::clone(&permits));
        waits.push(spawn_local(async move {
            let _permit = permits.acquire_owned().await;
            caught_up(&stage, &device, deadline).await
        }));
    }
    let (mut positions, mut late) = (Vec::with_capacity(devices.len()), Vec::new());
    for (wait, device) in waits.into_iter().zip(devices) {
        if !wait.await?? {
            let credentials = device.credentials();
            late.push(format!("{} of {} did not catch up", credentials.device, credentials.account));
        }
        positions.push(device.with_state(|state| state.position));
    }
    Ok((positions, late))
}

/// Whether a device comes to stand where the server stands, in time.
async fn caught_up(stage: &Stage, device: &Device, deadline: Duration) -> Result<bool, LinkError> {
    loop {
        let position = device.with_state(|state| state.position);
        if let Some(position) = position {
            let request =
                SyncRequest { position: Some(position), reason: None, resume_token: None, count: Some(1) };
            let answer = device.ask(&Call::post("/v1/sync", &request)).await?;
            if answer.is_ok() && matches!(answer.json(), Ok(Frame::Heartbeat(_))) {
                return Ok(true);
            }
        }
        if stage.watch.now() > deadline {
            return Ok(false);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// A fresh copy of an account and its whole history, recorded; and where the devices' copies differ from it.
async fn look(stage: &Stage, account: AccountId, devices: &[Rc<Device>]) -> Result<Vec<String>, LinkError> {
    let Some(device) = devices.first() else { return Ok(Vec::new()) };
    let tape = stage.recorder.tape(&format!("fresh/{account}.ndjson"));
    let fresh = fresh(device, account, &tape).await?;
    let joined = fresh.chats.iter().filter(|(_, chat)| chat.standing.membership == Membership::Joined);
    for (chat, _) in joined {
        history(device, *chat, &tape).await?;
    }
    let mut found = Vec::new();
    for device in devices {
        let name = device.credentials().device;
        let differences = device.with_state(|state| differences(state, &fresh, account));
        found.extend(differences.into_iter().map(|words| format!("{name}: {words}")));
    }
    Ok(found)
}

/// Takes a FullSync with an empty machine.
async fn fresh(device: &Device, account: AccountId, tape: &Tape) -> Result<LocalState, LinkError> {
    let mut machine = Machine::new(account, MemoryStore);
    let reason = Some(FullSyncReason::Manual);
    let request = SyncRequest { position: None, reason, resume_token: None, count: None };
    let answer = device.ask(&Call::post("/v1/sync", &request)).await?;
    let refused = |body: &str| LinkError::Refused { status: answer.status, body: body.to_owned() };
    let (_, wish) = machine.line(&answer.body).map_err(|error| refused(&error.to_string()))?;
    let mut wish = wish.ok_or_else(|| refused(&answer.body))?;
    while let Wish::Fetch { category, after } = wish {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let page = device.ask(&Call::get(format!("/v1/snapshots/{}{after}", category.as_str()))).await?;
        tape.line("page", &format!(",\"category\":\"{}\",\"page\":{}", category.as_str(), page.body));
        wish = machine.page(category, &page.body).map_err(|error| refused(&error.to_string()))?;
    }
    let state = machine.state().clone();
    tape.line("stored", &format!(",\"position\":{}", serde_json::json!(state.position)));
    Ok(state)
}

/// Reads a chat back to its beginning.
async fn history(device: &Device, chat: ChatId, tape: &Tape) -> Result<(), LinkError> {
    let mut before: Option<Seq> = None;
    loop {
        let before_query = before.map(|seq| format!("&before={seq}")).unwrap_or_default();
        let path = format!("/v1/chats/{chat}/messages?limit={PAGE}{before_query}");
        let answer = device.ask(&Call::get(path)).await?;
        let page: History = granted(&answer)?;
        tape.line("history", &format!(",\"page\":{}", answer.body));
        if page.complete_from <= Seq::new(1) || before.is_some_and(|before| page.complete_from >= before) {
            return Ok(());
        }
        before = Some(page.complete_from);
    }
}
