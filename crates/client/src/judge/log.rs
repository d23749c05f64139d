//! H1, H2, H5, H7: the logs as devices received them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::Verdict;
use super::event::event;
use super::recording::{list, number, operations, text};

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
    /// Chats that snapshots showed.
    pub(super) shown_chats: HashSet<String>,
}

impl AccountLog {
    /// Whether devices received every revision from their first FullSync up to the end.
    pub(super) fn is_whole(&self, end: (&str, u64)) -> bool {
        let Some((log, begun)) = self.begun.as_ref().filter(|(log, _)| log == end.0) else { return false };
        (begun + 1..=end.1).all(|revision| self.operations.contains_key(&(log.clone(), revision)))
    }

    /// H2: takes up a line that a device of this account received.
    pub(super) fn take(&mut self, line: &Value, account: &str, verdict: &mut Verdict) {
        self.take_snapshot(line);
        if let Some(head) = line.get("frame").and_then(|frame| frame.get("head")) {
            self.see(text(head, "log_id"), number(head, "revision"));
        }
        let Some((id, operations)) = operations(line) else { return };
        for operation in operations {
            let revision = number(operation, "revision");
            self.see(id, revision);
            let key = (id.to_owned(), revision);
            match self.operations.get(&key) {
                Some(known) if !same(known, operation) => verdict.violated("H2", || {
                    format!("{account}: two payloads at {revision} of {id}: {known} / {operation}")
                }),
                Some(_) => {}
                None => {
                    self.operations.insert(key, operation.clone());
                }
            }
        }
    }

    fn see(&mut self, log: &str, revision: u64) {
        let seen = self.seen.entry(log.to_owned()).or_default();
        *seen = (*seen).max(revision);
    }

    /// What snapshots showed, and where they left a device.
    fn take_snapshot(&mut self, line: &Value) {
        if text(line, "what") == "stored" {
            let position = line.get("position").unwrap_or(&Value::Null);
            let at = (text(position, "log_id").to_owned(), number(position, "revision"));
            if self.begun.as_ref().is_none_or(|begun| begun.0 == at.0 && at.1 < begun.1) {
                self.begun = Some(at);
            }
        }
        let Some(page) = line.get("page") else { return };
        match text(page, "category") {
            "chats" => self.shown_chats.extend(list(page, "items").map(|item| text(item, "chat").to_owned())),
            "messages" => list(page, "items").for_each(|item| self.take_messages(item)),
            _ => {}
        }
    }

    fn take_messages(&mut self, item: &Value) {
        let chat = text(item, "chat");
        let left_out = self.left_out.entry(chat.to_owned()).or_default();
        *left_out = (*left_out).max(number(item, "complete_from"));
        let messages = list(item, "messages");
        self.shown.extend(messages.map(|message| (chat.to_owned(), number(message, "seq"))));
    }
}

/// H1, H5, H7, and H6 as far as a server says itself that it lost something: what one device received, in its order.
pub(super) struct Sequence<'a> {
    device: &'a str,
    previous: Option<(String, u64)>,
    /// The last event of each chat.
    seqs: HashMap<String, u64>,
}

impl<'a> Sequence<'a> {
    pub(super) fn of(device: &'a str) -> Self {
        Self { device, previous: None, seqs: HashMap::new() }
    }

    pub(super) fn take(&mut self, line: &Value, verdict: &mut Verdict) {
        if text(line, "what") == "stored" {
            self.jump(line.get("position").unwrap_or(&Value::Null), verdict);
            return;
        }
        self.lost(line, verdict);
        let Some((log, operations)) = operations(line) else { return };
        for operation in operations {
            verdict.looked_at.operations += 1;
            self.step(log, operation, verdict);
        }
    }

    /// A FullSync was stored.
    fn jump(&mut self, position: &Value, verdict: &mut Verdict) {
        verdict.looked_at.full_syncs += 1;
        let (log, revision) = (text(position, "log_id").to_owned(), number(position, "revision"));
        if let Some((before, at)) =
            self.previous.as_ref().filter(|(before, at)| *before == log && revision < *at)
        {
            verdict
                .violated("H1", || format!("{} went back in {before} from {at} to {revision}", self.device));
        }
        self.previous = Some((log, revision));
    }

    fn step(&mut self, log: &str, operation: &Value, verdict: &mut Verdict) {
        let (device, previous) = (self.device, &self.previous);
        let revision = number(operation, "revision");
        let follows = previous.as_ref().is_some_and(|(before, at)| before == log && revision == at + 1);
        if !follows {
            verdict.violated("H1", || format!("{device} received {revision} of {log} after {previous:?}"));
        }
        self.previous = Some((log.to_owned(), revision));
        let Some(event) = event(operation) else { return };
        let last = self.seqs.insert(event.chat.to_owned(), event.seq).unwrap_or_default();
        if event.seq <= last {
            verdict.violated("H5", || {
                format!("{device}: at revision {revision} seq {} of {} after {last}", event.seq, event.chat)
            });
        }
    }

    /// The device was told that the server no longer has what it gave.
    fn lost(&self, line: &Value, verdict: &mut Verdict) {
        let Some(frame) = line.get("frame").filter(|frame| text(frame, "frame") == "full_sync") else {
            return;
        };
        let (guarantee, what) = match text(frame, "reason") {
            "hole" => ("H7", "the log has a hole"),
            "continuity" => ("H6", "the server does not know the history that it gave"),
            _ => return,
        };
        let position = frame.get("position").unwrap_or(&Value::Null);
        verdict.violated(guarantee, || format!("{}: {what}, position {position}", self.device));
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
