//! Pages of an account's log, rendered for its devices.

use std::collections::HashMap;

use denrei_actors::Origin;
use denrei_actors::account::renew_log::RenewLog;
use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::operation::{Operation, Payload, StoredOperation};
use denrei_model::position::{Revision, Seq};
use denrei_model::row::{HeadRow, Key, KeyRange, MessageKey, OpKey, OpRow};
use denrei_storage::shard::{Fetch, ReadError, Scan, Snapshot};
use prost::Message as _;

use crate::state::Gateway;

/// The bounds of a page.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Operations.
    pub(super) count: usize,
    /// Bytes, as stored; rendered they are some more. An operation alone may be larger.
    pub(super) bytes: usize,
}

/// The operations after a revision.
pub(super) enum Page {
    /// The next ones, without a gap; empty at the head.
    Operations(Vec<Operation>),
    /// The next revision is missing from the store, although the head is beyond it.
    Hole,
}

/// Reads the operations that follow `after`, up to a bound and at least one, from the moment in which `head` was read.
pub(super) async fn page(
    moment: &dyn Snapshot,
    account: AccountId,
    head: &HeadRow,
    after: Revision,
    bounds: Bounds,
) -> Result<Page, ReadError> {
    if after >= head.revision {
        return Ok(Page::Operations(Vec::new()));
    }
    let key = |revision| OpKey { account, revision };
    let range = KeyRange::new(key(after.next()), key(head.revision.next()));
    let fetch = Fetch { keys: Vec::new(), scans: vec![Scan::forward(range, bounds.count)] };
    let fetched = moment.fetch(fetch).await?;
    let mut operations = Vec::new();
    let mut expected = after.next();
    let mut bytes = 0;
    for (key, row) in fetched.scan::<OpKey>(0) {
        let Key::Op(key) = key else { continue };
        bytes += row.stored.len();
        if key.revision != expected || (bytes > bounds.bytes && !operations.is_empty()) {
            break;
        }
        operations.push(render(key, row)?);
        expected = expected.next();
    }
    if operations.is_empty() {
        tracing::error!(%account, revision = %expected, "a revision below the head is missing from the store");
        return Ok(Page::Hole);
    }
    blank_unsent(moment, &mut operations).await?;
    Ok(Page::Operations(operations))
}

fn render(key: &OpKey, row: &OpRow) -> Result<Operation, ReadError> {
    let damaged =
        |what: &str| ReadError::Damaged(format!("operation {} of {}: {what}", key.revision, key.account));
    let stored = StoredOperation::decode(row.stored.clone()).map_err(|error| damaged(&error.to_string()))?;
    let payload = stored.payload.ok_or_else(|| damaged("of a kind that this node does not know"))?;
    let category = payload.category();
    Ok(Operation {
        revision: stored.revision,
        tag: row.tag,
        category,
        created_at: stored.created_at,
        payload,
    })
}

/// A stored operation never changes; the body of a message that was taken back is blanked when it is shown.
async fn blank_unsent(moment: &dyn Snapshot, operations: &mut [Operation]) -> Result<(), ReadError> {
    let place = |payload: &Payload| match payload {
        Payload::SendMessage(sent) => Some((sent.message.chat, sent.message.seq)),
        Payload::ReceiveMessage(received) => Some((received.message.chat, received.message.seq)),
        _ => None,
    };
    let shown: Vec<(ChatId, Seq)> =
        operations.iter().filter_map(|operation| place(&operation.payload)).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let keys = shown.iter().map(|(chat, seq)| MessageKey { chat: *chat, seq: *seq }.into()).collect();
    let fetched = moment.fetch(Fetch { keys, scans: Vec::new() }).await?;
    let unsent: HashMap<(ChatId, Seq), Seq> = shown
        .iter()
        .enumerate()
        .filter_map(|(index, place)| Some((*place, fetched.row::<MessageKey>(index)?.message.unsent?)))
        .collect();
    for operation in operations {
        if let Some(message) = operation.payload.message_mut()
            && let Some(at) = unsent.get(&(message.chat, message.seq))
        {
            message.blank(*at);
        }
    }
    Ok(())
}

/// A revision is missing below the head: the account begins a new log, and the head of that is what devices are given.
pub(super) async fn renew(
    gateway: &Gateway,
    account: AccountId,
    head: &HeadRow,
) -> Result<HeadRow, ReadError> {
    let origin = Origin::unkeyed(account, DeviceId::default());
    let renewed = gateway.runtime.ask(RenewLog { account, log_id: head.log_id }, origin).await;
    renewed.map_err(|error| ReadError::Unavailable(error.to_string()))?;
    let moment = gateway.reader.snapshot().await?;
    let renewed = super::position::head(&*moment, account).await?;
    renewed.ok_or_else(|| ReadError::Damaged(format!("{account} has devices and no log")))
}
