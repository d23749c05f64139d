//! The end of a replay: everyone comes back and catches up; then each account is looked at with the eyes of a device that has
//! nothing, and its whole history is read.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::position::Seq;
use denrei_model::wire::frame::{Frame, FullSyncReason, SyncRequest};
use denrei_model::wire::message::History;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::ReplayError;
use super::drive::{Player, Stage};
use super::record::Tape;
use crate::device::{Device, LinkError};
use crate::machine::{Machine, Wish};
use crate::state::{LocalState, differences};
use crate::store::MemoryStore;
use crate::transport::Call;

/// How long devices may take to catch up once nothing is sent any more.
const CATCH_UP: Duration = Duration::from_secs(180);
/// Accounts looked at at once.
const LOOKING: usize = 16;
/// Messages of a page of history.
const PAGE: usize = 100;

/// Waits for everyone, takes the fresh copies, and says where copies differ.
pub(super) async fn finish(
    stage: &Rc<Stage>,
    players: &HashMap<String, Player>,
    streams: Vec<JoinHandle<Result<(), LinkError>>>,
) -> Result<Vec<String>, ReplayError> {
    stage.progress.set_message("catching up");
    let mut found = Vec::new();
    let deadline = stage.watch.now() + CATCH_UP;
    for (device, _) in players.values().flat_map(|player| &player.devices) {
        device.turn(true);
    }
    for (device, _) in players.values().flat_map(|player| &player.devices) {
        if !caught_up(stage, device, deadline).await? {
            let credentials = device.credentials();
            found.push(format!("{} of {} did not catch up", credentials.device, credentials.account));
        }
    }
    for (device, _) in players.values().flat_map(|player| &player.devices) {
        device.end();
    }
    for stream in streams {
        stream.await.map_err(std::io::Error::other)??;
    }
    stage.progress.set_message("comparing with fresh copies");
    let permits = std::sync::Arc::new(Semaphore::new(LOOKING));
    let mut looks = Vec::new();
    for player in players.values() {
        let devices: Vec<Rc<Device>> = player.devices.iter().map(|(device, _)| Rc::clone(device)).collect();
        let (stage, account, permits) = (Rc::clone(stage), player.account, std::sync::Arc::clone(&permits));
        looks.push(spawn_local(async move {
            let _permit = permits.acquire_owned().await;
            look(&stage, account, &devices).await
        }));
    }
    for look in looks {
        found.extend(look.await.map_err(std::io::Error::other)??);
    }
    Ok(found)
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
    for chat in fresh.chats.keys() {
        history(device, *chat, &tape).await?;
    }
    let mut found = Vec::new();
    for device in devices {
        let name = device.credentials().device;
        let differences = device.with_state(|state| differences(state, &fresh));
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
        let refused = || LinkError::Refused { status: answer.status, body: answer.body.clone() };
        let page: History =
            if answer.is_ok() { answer.json().map_err(|_| refused())? } else { return Err(refused()) };
        tape.line("history", &format!(",\"page\":{}", answer.body));
        if page.complete_from <= Seq::new(1) || before.is_some_and(|before| page.complete_from >= before) {
            return Ok(());
        }
        before = Some(page.complete_from);
    }
}
