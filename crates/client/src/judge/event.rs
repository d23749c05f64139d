//! Events of a chat, as operations tell of them. Each took the next seq of its chat.

use serde_json::Value;

use super::recording::{list, number, text};

/// What an operation says happened in a chat.
pub(super) struct Event<'a> {
    pub(super) chat: &'a str,
    pub(super) seq: u64,
    pub(super) what: What<'a>,
}

/// What happened.
pub(super) enum What<'a> {
    /// A message was sent.
    Message,
    /// Something happened to the message at this seq: it was taken back, or somebody reacted.
    About(u64),
    /// The group was made or renamed, or people came or went: those whose standing changed, and to what.
    Change(Vec<(&'a str, &'a str)>),
}

/// The event that an operation tells of; none for read marks, contacts and the like.
pub(super) fn event(operation: &Value) -> Option<Event<'_>> {
    let payload = operation.get("payload")?;
    match text(operation, "type") {
        "SEND_MESSAGE" | "RECEIVE_MESSAGE" => {
            let message = payload.get("message")?;
            let (chat, seq) = (text(message, "chat"), number(message, "seq"));
            Some(Event { chat, seq, what: What::Message })
        }
        "UNSEND_MESSAGE" | "NOTIFIED_UNSEND_MESSAGE" | "SEND_REACTION" | "NOTIFIED_SEND_REACTION" => {
            let (chat, seq) = (text(payload, "chat"), number(payload, "version"));
            Some(Event { chat, seq, what: What::About(number(payload, "seq")) })
        }
        // Changes alone say who made them.
        _ => {
            payload.get("by")?;
            let standing = |member| (text(member, "account"), text(member, "membership"));
            let members = list(payload, "members").map(standing).collect();
            let (chat, seq) = (text(payload, "chat"), number(payload, "seq"));
            Some(Event { chat, seq, what: What::Change(members) })
        }
    }
}

/// Chat and seq of the message that an operation carries.
pub(super) fn message_of(operation: &Value) -> Option<(&str, u64)> {
    let Event { chat, seq, what: What::Message } = event(operation)? else { return None };
    Some((chat, seq))
}

/// What a message says; nothing if it was taken back.
pub(super) fn said_by(message: &Value) -> &str {
    message.pointer("/content/text").and_then(Value::as_str).unwrap_or_default()
}
