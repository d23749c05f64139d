//! H1, H2, H5, H7: the logs as devices received them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::Verdict;
use super::recording::{DeviceRecording, Recording, number, operations, text};

/// What all devices of an account together have seen of its log.
#[derive(Default)]
pub(super) struct AccountLog {
    /// By (log id, revision).
    pub(super) operations: BTreeMap<(String, u64), Value>,
    /// The highest revision seen in each log, in a frame or as a head.
    pub(super) seen: BTreeMap<String, u64>,
    /// The position at which the first FullSync left a device.
    begun: Option<(String, u64)>,
    /// Messages that snapshots showed, by chat and seq.
    pub(super) shown: HashSet<(String, u64)>,
    /// What is older than this in a chat, a snapshot left out.
    pub(super) left_out: HashMap<String, u64>,
}

impl AccountLog {
    /// Whether devices received every revision from their first FullSync up to the end.
    pub(super) fn is_whole(&self, end: (&str, u64)) -> bool {
        let Some((log, begun)) = self.begun.as_ref().filter(|(log, _)| log == end.0) else { return false };
        (begun + 1..=end.1).all(|revision| self.operations.contains_key(&(log.clone(), revision)))
    }
}

/// Judges every device's sequence, and collects the logs by account.
pub(super) fn judge(recording: &Recording, verdict: &mut Verdict) -> HashMap<String, AccountLog> {
    let mut logs: HashMap<String, AccountLog> = HashMap::new();
    for device in &recording.devices {
        verdict.looked_at.devices += 1;
        sequence(device, verdict);
        collect(device, logs.entry(device.account.clone()).or_default(), verdict);
    }
    logs
}

/// H1 and H5.
fn sequence(device: &DeviceRecording, verdict: &mut Verdict) {
    let mut previous: Option<(String, u64)> = None;
    let mut seqs: HashMap<String, u64> = HashMap::new();
    for line in &device.lines {
        if text(line, "what") == "stored" {
            verdict.looked_at.full_syncs += 1;
            let position = line.get("position").unwrap_or(&Value::Null);
            let (log, revision) = (text(position, "log_id").to_owned(), number(position, "revision"));
            if let Some((before, at)) =
                previous.as_ref().filter(|(before, at)| *before == log && revision < *at)
            {
                verdict.violated("H1", || {
                    format!("{} went back in {before} from {at} to {revision}", device.device)
                });
            }
            previous = Some((log, revision));
            continue;
        }
        lost(device, line, verdict);
        let Some((log, operations)) = operations(line) else { continue };
        for operation in operations {
            verdict.looked_at.operations += 1;
            let revision = number(operation, "revision");
            let follows = previous.as_ref().is_some_and(|(before, at)| before == log && revision == at + 1);
            if !follows {
                verdict.violated("H1", || {
                    format!("{} received {revision} of {log} after {previous:?}", device.device)
                });
            }
            previous = Some((log.to_owned(), revision));
            if let Some((chat, seq)) = message_of(operation) {
                let last = seqs.insert(chat.to_owned(), seq).unwrap_or_default();
                if seq <= last {
                    verdict.violated("H5", || {
                        format!("{}: at revision {revision} seq {seq} of {chat} after {last}", device.device)
                    });
                }
            }
        }
    }
}

/// H6, H7: a device was told that the server no longer has what it gave.
fn lost(device: &DeviceRecording, line: &Value, verdict: &mut Verdict) {
    let Some(frame) = line.get("frame").filter(|frame| text(frame, "frame") == "full_sync") else { return };
    let (guarantee, what) = match text(frame, "reason") {
        "hole" => ("H7", "the log has a hole"),
        "continuity" => ("H6", "the server does not know the history that it gave"),
        _ => return,
    };
    verdict.violated(guarantee, || {
        format!("{}: {what}, position {}", device.device, frame.get("position").unwrap_or(&Value::Null))
    });
}

/// What snapshots showed, and where they left a device.
fn shown(line: &Value, log: &mut AccountLog) {
    if text(line, "what") == "stored" {
        let position = line.get("position").unwrap_or(&Value::Null);
        let at = (text(position, "log_id").to_owned(), number(position, "revision"));
        if log.begun.as_ref().is_none_or(|begun| begun.0 == at.0 && at.1 < begun.1) {
            log.begun = Some(at);
        }
    }
    let Some(page) = line.get("page").filter(|page| text(page, "category") == "messages") else { return };
    for item in page.get("items").and_then(Value::as_array).into_iter().flatten() {
        let chat = text(item, "chat");
        let left_out = log.left_out.entry(chat.to_owned()).or_default();
        *left_out = (*left_out).max(number(item, "complete_from"));
        let messages = item.get("messages").and_then(Value::as_array).into_iter().flatten();
        log.shown.extend(messages.map(|message| (chat.to_owned(), number(message, "seq"))));
    }
}

/// H2.
fn collect(device: &DeviceRecording, log: &mut AccountLog, verdict: &mut Verdict) {
    for line in &device.lines {
        shown(line, log);
        if let Some(head) = line.get("frame").and_then(|frame| frame.get("head")) {
            let seen = log.seen.entry(text(head, "log_id").to_owned()).or_default();
            *seen = (*seen).max(number(head, "revision"));
        }
        let Some((id, operations)) = operations(line) else { continue };
        for operation in operations {
            let revision = number(operation, "revision");
            let seen = log.seen.entry(id.to_owned()).or_default();
            *seen = (*seen).max(revision);
            let key = (id.to_owned(), revision);
            match log.operations.get(&key) {
                Some(known) if !same(known, operation) => verdict.violated("H2", || {
                    format!("{}: two payloads at {revision} of {id}: {known} / {operation}", device.account)
                }),
                Some(_) => {}
                None => {
                    log.operations.insert(key, operation.clone());
                }
            }
        }
    }
}

/// Equal, but for the body of a message that was taken back in between.
fn same(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    let message = |operation: &Value| operation.pointer("/payload/message").cloned().unwrap_or(Value::Null);
    let (left, right) = (message(a), message(b));
    let taken_back = left.get("unsent").is_some() || right.get("unsent").is_some();
    let identity = |operation: &Value, message: &Value| {
        let names = ["revision", "tag", "type", "created_at"].map(|name| operation.get(name).cloned());
        (names, text(message, "chat").to_owned(), number(message, "seq"), text(message, "sender").to_owned())
    };
    taken_back && identity(a, &left) == identity(b, &right)
}

/// Chat and seq of the message that an operation carries.
pub(super) fn message_of(operation: &Value) -> Option<(&str, u64)> {
    let carries = matches!(text(operation, "type"), "SEND_MESSAGE" | "RECEIVE_MESSAGE");
    let message = operation.pointer("/payload/message").filter(|_| carries)?;
    Some((text(message, "chat"), number(message, "seq")))
}
