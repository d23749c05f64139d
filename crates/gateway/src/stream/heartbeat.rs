//! Heartbeats: a quiet stream learns that it lives and where the server stands. The head comes from the store, so a mark
//! that was lost on the way to the hub is found here at the latest.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use denrei_actors::session::{Signal, StreamId};
use denrei_model::row::HeadKey;
use denrei_model::wire::Position;
use denrei_model::wire::frame::{Frame, Heartbeat};
use denrei_storage::shard::{Fetch, ReadError};
use tokio::time::{MissedTickBehavior, interval};

use super::device::{StreamState, frame_line, now_ms};
use super::hub::Hub;
use super::live::append_aside;
use super::position::head_position;
use crate::state::Gateway;

/// How often quiet streams are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// Heads read at once.
const BATCH: usize = 512;

type Quiet = (StreamId, Rc<RefCell<StreamState>>);

/// Beats until the worker ends.
pub(super) async fn beat(hub: Hub, gateway: Gateway) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if hub.len() == 0 {
            continue;
        }
        let Some(before) = now_ms(&gateway).checked_sub(gateway.options.heartbeat_ms.get()) else { continue };
        for batch in hub.quiet_since(before).chunks(BATCH) {
            if let Err(error) = beat_batch(&hub, &gateway, batch).await {
                tracing::warn!(%error, "no heartbeats: heads cannot be read");
                break;
            }
        }
    }
}

async fn beat_batch(hub: &Hub, gateway: &Gateway, batch: &[Quiet]) -> Result<(), ReadError> {
    let head = |(_, state): &Quiet| HeadKey { account: state.borrow().account }.into();
    let fetch = Fetch { keys: batch.iter().map(head).collect(), scans: Vec::new() };
    let fetched = gateway.reader.fetch(fetch).await?;
    for (index, (stream, state)) in batch.iter().enumerate() {
        if let Some(head) = fetched.row::<HeadKey>(index)
            && !beat_one(gateway, head_position(gateway, head), &mut state.borrow_mut())
        {
            hub.signal(*stream, Signal::Behind);
        }
    }
    Ok(())
}

/// Writes one heartbeat. False if the stream is behind what it says.
fn beat_one(gateway: &Gateway, head: Position, state: &mut StreamState) -> bool {
    // One without a cursor waits for its shard: it has yet to sign on.
    let Some(cursor) = state.cursor.filter(|_| !state.reading) else { return true };
    // A head older than what was pushed meanwhile says nothing new.
    let head = if head.log_id == cursor.log_id && head.revision < cursor.revision { cursor } else { head };
    let date = gateway.clock.now().day().to_yyyymmdd();
    let frame = frame_line(&Frame::Heartbeat(Heartbeat { head, date }));
    state.written = now_ms(gateway);
    append_aside(state, frame);
    head == cursor
}
