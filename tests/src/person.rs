//! People with a device, as tests need them: what is called and what comes back is plain JSON.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use denrei_client::transport::{Answer, Call, Connection, Lines, Method, Target};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::node::Node;
use crate::surroundings;

/// How long a frame or an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often is looked whether something has arrived.
const LOOK: Duration = Duration::from_millis(10);

/// A device that is signed in, with a connection of its own.
pub struct Person {
    /// Whose device it is.
    pub account: String,
    /// Which device.
    pub device: String,
    /// For `Authorization: Bearer …`.
    pub token: String,
    /// For `POST /v1/token`.
    pub refresh: String,
    target: Target,
    connection: RefCell<Rc<Connection>>,
    keys: Cell<u32>,
}

/// A stream of frames.
pub struct Stream(Lines);

/// Connects to a node.
pub async fn connect(node: &Node) -> Connection {
    open(&target(node)).await
}

fn target(node: &Node) -> Target {
    Target::parse(&node.url()).expect("the URL of a node")
}

async fn open(target: &Target) -> Connection {
    Connection::open(target).await.expect("the node takes connections")
}

/// The body of an answer, as JSON; null if there is none.
#[must_use]
pub fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_default()
}

/// A fresh idempotency key of today.
#[must_use]
pub fn key(name: &str) -> String {
    format!("{}-{name}", surroundings::day(0))
}

impl Person {
    /// Somebody new.
    pub async fn register(node: &Node, name: &str) -> Self {
        let body = json!({ "name": name, "device": { "name": "test", "platform": "test" } });
        let connection = connect(node).await;
        let answer = connection.call(&Call::post("/v1/register", &body)).await.expect("an answer");
        assert!(answer.is_ok(), "{name} cannot register: {} {}", answer.status, answer.body);
        Self::signed_in(target(node), connection, &json(&answer))
    }

    fn signed_in(target: Target, connection: Connection, told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().expect("credentials hold it").to_owned();
        Self {
            account: text("account"),
            device: text("device"),
            token: text("access_token"),
            refresh: text("refresh_token"),
            target,
            connection: RefCell::new(Rc::new(connection)),
            keys: Cell::new(0),
        }
    }

    /// Another device of the same account.
    pub async fn link(&self) -> Self {
        let code = self.granted(Call::new(Method::POST, "/v1/devices/link-code")).await;
        let body = json!({ "code": code["code"], "device": { "name": "other", "platform": "test" } });
        let connection = open(&self.target).await;
        let answer = connection.call(&Call::post("/v1/devices/link", &body)).await.expect("an answer");
        assert!(answer.is_ok(), "a device cannot be linked: {} {}", answer.status, answer.body);
        Self::signed_in(self.target.clone(), connection, &json(&answer))
    }

    /// Connects anew: after the node was away.
    pub async fn reconnect(&self) {
        let fresh = open(&self.target).await;
        self.connection.replace(Rc::new(fresh));
    }

    fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection.borrow())
    }

    /// A key that this device has not used.
    #[must_use]
    pub fn fresh_key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        key(&format!("{}-{}", self.device, self.keys.get()))
    }

    /// Asks, with this device's token; none if the connection broke.
    pub async fn try_ask(&self, call: Call) -> Option<Answer> {
        let call = call.bearer(&self.token);
        let answer = timeout(PATIENCE, self.connection().call(&call)).await;
        answer.expect("an answer, or the end, in time").ok()
    }

    /// Asks, with this device's token.
    pub async fn ask(&self, call: Call) -> Answer {
        self.try_ask(call).await.expect("the connection holds")
    }

    /// Asks for something that must be granted; the answer's body.
    pub async fn granted(&self, call: Call) -> Value {
        let shown = format!("{call:?}");
        let answer = self.ask(call).await;
        assert!(answer.is_ok(), "{shown}: {} {}", answer.status, answer.body);
        json(&answer)
    }

    /// Sends a text under a fresh key; none if the connection broke.
    pub async fn try_send(&self, to: &str, text: &str) -> Option<Answer> {
        self.try_ask(say(to, text).key(&self.fresh_key())).await
    }

    /// Sends a text, which must be taken; `{chat, seq, sent_at}`.
    pub async fn send(&self, to: &str, text: &str) -> Value {
        self.granted(say(to, text).key(&self.fresh_key())).await
    }

    /// Where the server says that the account stands.
    pub async fn head(&self) -> Value {
        self.full_sync("manual").await["position"].clone()
    }

    /// Asks for a FullSync.
    pub async fn full_sync(&self, reason: &str) -> Value {
        self.granted(Call::post("/v1/sync", &json!({ "reason": reason }))).await
    }

    /// Waits until the account's log has reached this revision: a sender is answered before its receivers are told.
    pub async fn reached(&self, revision: u64) {
        let arrives = async {
            while self.head().await["revision"].as_u64().is_none_or(|head| head < revision) {
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, arrives).await.expect("the revision is reached in time");
    }

    /// What follows this position, as `POST /v1/sync` says.
    pub async fn sync(&self, position: &Value) -> Value {
        self.granted(Call::post("/v1/sync", &json!({ "position": position }))).await
    }

    /// All that the account holds, as a device with nothing is given it.
    pub async fn everything(&self) -> Vec<Value> {
        let full_sync = self.full_sync("initialization").await;
        let mut pages = vec![full_sync["position"].clone()];
        for category in full_sync["categories"].as_array().expect("categories") {
            let path = format!("/v1/snapshots/{}", category.as_str().expect("a category"));
            pages.push(self.granted(Call::get(path)).await);
        }
        pages
    }

    /// The texts of a chat, oldest first, as far as one page goes.
    pub async fn texts(&self, chat: &str) -> Vec<String> {
        let page = self.granted(Call::get(format!("/v1/chats/{chat}/messages?limit=100"))).await;
        let messages = page["messages"].as_array().cloned().unwrap_or_default();
        let text = |message: &Value| message["content"]["text"].as_str().unwrap_or_default().to_owned();
        messages.iter().map(text).collect()
    }

    /// Opens the stream, from a position or from nothing.
    pub async fn stream(&self, position: Option<&Value>) -> Stream {
        let call = Call::get(stream_path(position)).bearer(&self.token);
        let opened = timeout(PATIENCE, self.connection().lines(&call)).await;
        match opened.expect("an answer in time").expect("an answer") {
            Ok(lines) => Stream(lines),
            Err(answer) => panic!("no stream: {} {}", answer.status, answer.body),
        }
    }

    /// Opens the stream from where the server stands, and reads its sign-on.
    pub async fn follow(&self) -> Stream {
        let head = self.head().await;
        let mut stream = self.stream(Some(&head)).await;
        let sign_on = stream.frame().await;
        assert_eq!(sign_on["frame"], "sign_on", "{sign_on}");
        stream
    }
}

/// A text for a person or a chat.
#[must_use]
pub fn say(to: &str, text: &str) -> Call {
    Call::post("/v1/messages", &json!({ "to": to, "message": { "type": "text", "text": text } }))
}

/// The path of a stream that goes on from here.
#[must_use]
pub fn stream_path(position: Option<&Value>) -> String {
    let Some(position) = position else { return "/v1/stream".to_owned() };
    let text = |name: &str| position[name].as_str().expect("a position holds it").to_owned();
    format!("/v1/stream?log_id={}&revision={}&tag={}", text("log_id"), position["revision"], text("tag"))
}

impl Stream {
    /// The next frame; null when the stream has ended.
    pub async fn frame(&mut self) -> Value {
        let line = timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
        let line = line.expect("the connection holds");
        line.map(|line| serde_json::from_str(&line).expect("a frame is JSON")).unwrap_or_default()
    }

    /// The next frame that is no heartbeat.
    pub async fn word(&mut self) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["frame"] != "heartbeat" {
                return frame;
            }
        }
    }

    /// The next so many operations.
    pub async fn operations(&mut self, count: usize) -> Vec<Value> {
        let mut operations: Vec<Value> = Vec::new();
        while operations.len() < count {
            let frame = self.word().await;
            assert_eq!(
                frame["frame"],
                "operations",
                "{} of {count} operations, then {frame}",
                operations.len()
            );
            operations.extend(frame["operations"].as_array().cloned().unwrap_or_default());
        }
        operations
    }
}
