//! Examples, made of the types themselves: Brown writes to Cony.

use denrei_model::id::{AccountId, ChatId, DeviceId, LogId};
use denrei_model::message::{Content, Message, Text};
use denrei_model::operation::{Category, ChatRead, JoinPolicy, MessageReceived, Operation, Payload, Read};
use denrei_model::position::{Revision, Seq};
use denrei_model::tag::Tag;
use denrei_model::wire::account::{Credentials, DeviceDraft, RegisterRequest};
use denrei_model::wire::chat::{ChatAnswer, ChatDraft, ReadRequest};
use denrei_model::wire::frame::{Frame, Heartbeat, Notify, Operations, Reconnect, SignOn, SyncRequest};
use denrei_model::wire::message::{MessageDraft, Recipient, SendAnswer, SendRequest};
use denrei_model::wire::{FullSync, FullSyncReason, Position};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{OpenApi, RefOr};

use crate::problem::{Code, Problem};

/// 2026-11-24, as frames write it, and noon of that day.
const DATE: u32 = 20_261_124;
const NOON: u64 = 1_795_521_600_000;
const NDJSON: &str = "application/x-ndjson";

/// Gives the schemas of what is sent most their examples, and the stream one of each frame.
pub(super) fn give(document: &mut OpenApi) {
    let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        let Some(example) = of(name) else { continue };
        match schema {
            RefOr::T(Schema::Object(object)) => object.examples = vec![example],
            RefOr::T(Schema::OneOf(one_of)) => one_of.examples = vec![example],
            RefOr::T(Schema::AllOf(all_of)) => all_of.examples = vec![example],
            _ => {}
        }
    }
    for operation in document.paths.paths.values_mut().flat_map(super::operations) {
        for answer in operation.responses.responses.values_mut() {
            let RefOr::T(answer) = answer else { continue };
            if let Some(RefOr::T(lines)) = answer.content.get_mut(NDJSON) {
                lines.examples = frames().into_iter().filter_map(named).collect();
            }
        }
    }
}

fn named(frame: Frame) -> Option<(String, RefOr<Example>)> {
    let value = json(frame)?;
    let name = value.get("frame")?.as_str()?.to_owned();
    Some((name, RefOr::T(ExampleBuilder::new().value(Some(value)).build())))
}

fn json(value: impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}

fn of(schema: &str) -> Option<Value> {
    match schema {
        "ChatAnswer" => json(ChatAnswer { chat: group(), seq: Seq::new(1) }),
        "ChatDraft" => {
            json(ChatDraft { name: "Picnic".to_owned(), invite: vec![cony()], join: JoinPolicy::Invite })
        }
        "Credentials" => json(credentials()),
        "Frame" => json(Frame::Operations(operations())),
        "Operation" => json(received()),
        "Operations" => json(operations()),
        "Position" => json(position(42)),
        "Problem" => {
            let detail = "expected 1 to 100 characters, got 0";
            Some(Problem::new(Code::InvalidRequest).detail(detail).with("field", "name").body())
        }
        "ReadRequest" => json(ReadRequest { seq: Seq::new(7) }),
        "RegisterRequest" => json(RegisterRequest {
            name: "Cony".to_owned(),
            device: DeviceDraft { name: "Cony's phone".to_owned(), platform: "ios".to_owned() },
            token: None,
            external_id: None,
        })
        .map(without_nulls),
        "SendAnswer" => json(SendAnswer { chat: direct(), seq: Seq::new(7), sent_at: NOON }),
        "SendRequest" => {
            json(SendRequest { to: Recipient::Account(cony()), message: hello() }).map(without_nulls)
        }
        "SyncRequest" => json(SyncRequest {
            position: Some(position(41)),
            reason: None,
            resume_token: None,
            count: Some(100),
        })
        .map(without_nulls),
        _ => None,
    }
}

/// Requests leave out what they do not say; their types write it as `null`.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let said = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        other => other,
    }
}

fn brown() -> AccountId {
    AccountId::derived("example", &[b"brown"])
}

fn cony() -> AccountId {
    AccountId::derived("example", &[b"cony"])
}

fn phone() -> DeviceId {
    DeviceId::derived("example", &[b"phone"])
}

fn direct() -> ChatId {
    ChatId::direct(brown(), cony())
}

fn group() -> ChatId {
    ChatId::group(brown(), "20261124-picnic")
}

fn hello() -> MessageDraft {
    MessageDraft::Text { text: "Hello, Cony".to_owned(), reply_to: None, mentions: Vec::new() }
}

fn credentials() -> Credentials {
    Credentials {
        account: cony(),
        device: phone(),
        access_token: "dra_…".to_owned(),
        expires_in: 3_600,
        refresh_token: "drr_…".to_owned(),
    }
}

fn position(revision: u64) -> Position {
    let log_id = LogId::derived("example", &[b"log"]);
    let tag = Tag::genesis(log_id).chain(&revision.to_be_bytes());
    Position { log_id, revision: Revision::new(revision), tag }
}

/// What Cony's devices are told of Brown's message.
fn received() -> Operation {
    let message = Message {
        chat: direct(),
        seq: Seq::new(7),
        sender: brown(),
        sent_at: NOON,
        content: Some(Content::Text(Text { text: "Hello, Cony".to_owned() })),
        ..Message::default()
    };
    let payload = Payload::ReceiveMessage(MessageReceived { message, n: 3, peer: Some(brown()) });
    let Position { revision, tag, .. } = position(42);
    Operation { revision, tag, category: payload.category(), created_at: NOON, payload }
}

fn operations() -> Operations {
    Operations { log_id: position(42).log_id, operations: vec![received()], head: None }
}

fn read_by_brown() -> ChatRead {
    ChatRead { chat: group(), reads: vec![Read { account: brown(), seq: Seq::new(12) }] }
}

fn frames() -> Vec<Frame> {
    vec![
        Frame::SignOn(SignOn {
            account: cony(),
            device: phone(),
            head: position(41),
            date: DATE,
            heartbeat_ms: 25_000,
        }),
        Frame::Operations(operations()),
        Frame::Heartbeat(Heartbeat { head: position(42), date: DATE }),
        Frame::FullSync(FullSync {
            reason: FullSyncReason::Gap,
            categories: Category::ALL.to_vec(),
            position: position(42),
            resume_token: "AAABog…".to_owned(),
        }),
        Frame::Notify(Notify { payload: Payload::NotifiedReadMessage(read_by_brown()) }),
        Frame::Replaced,
        Frame::Reconnect(Reconnect { after_ms: 1_834 }),
        Frame::Revoked,
    ]
}
