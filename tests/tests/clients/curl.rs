//! curl as a device, over HTTP/1.1 and over HTTP/2 with prior knowledge.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use denrei_tests::person::{key, stream_path};
use denrei_tests::surroundings::{answers, holds_within, skip};
use serde_json::{Value, json};

use crate::{MAX_BEHIND, node};

#[test]
fn curl_on_http1_follows_its_log() {
    scenario("curl_on_http1_follows_its_log", "--http1.1");
}

#[test]
fn curl_on_http2_with_prior_knowledge_follows_its_log() {
    scenario("curl_on_http2_with_prior_knowledge_follows_its_log", "--http2-prior-knowledge");
}

/// How long a message may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// curl with what all its calls have in common.
struct Curl {
    protocol: &'static str,
    url: String,
    token: String,
}

/// A stream that a curl holds open.
struct Open {
    curl: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

fn scenario(name: &str, protocol: &'static str) {
    if !answers("curl", &[protocol, "--version"]) {
        return skip(name, "curl with this protocol is not there");
    }
    let Some(node) = node(name) else { return };
    let anybody = Curl { protocol, url: node.url(), token: String::new() };
    let [(ann, _), (bob, bobs_account)] = ["Ann", "Bob"].map(|name| anybody.register(name));
    let say = |text: &str| {
        let body = json!({ "to": bobs_account, "message": { "type": "text", "text": text } });
        ann.post("/v1/messages", &body, Some(&key(text)))
    };

    let first = bob.full_sync("initialization");
    let mut stream = bob.open(Some(&first));
    let sign_on = stream.frame();
    assert_eq!((&sign_on["frame"], &sign_on["head"]), (&json!("sign_on"), &first), "{sign_on}");
    let sent = say("hello");
    let operation = stream.operation();
    assert_eq!(operation["type"], "RECEIVE_MESSAGE", "{operation}");
    assert_eq!(operation["payload"]["message"]["seq"], sent["seq"], "{operation}");
    assert_eq!(operation["payload"]["message"]["content"]["text"], "hello", "{operation}");
    assert_eq!(say("hello"), sent, "the same key is the same message");
    let seen =
        json!({ "log_id": first["log_id"], "revision": operation["revision"], "tag": operation["tag"] });
    drop(stream);

    say("missed-1");
    say("missed-2");
    let sync = || bob.post("/v1/sync", &json!({ "position": seen }), None);
    // The sender is answered before the receiver's log has it.
    assert!(holds_within(PATIENCE, || texts(&sync()) == ["missed-1", "missed-2"]), "{}", sync());
    let mut stream = bob.open(Some(&seen));
    assert_eq!(stream.frame()["frame"], "sign_on");
    assert_eq!(texts(&stream.frame()), ["missed-1", "missed-2"]);
    drop(stream);

    for number in 0..MAX_BEHIND {
        say(&format!("unheard-{number}"));
    }
    // Too much is missing as soon as most of it is there; the snapshots are to hold all of it.
    let all = operation["revision"].as_u64().map(|seen| seen + 2 + u64::from(MAX_BEHIND));
    let told = |frame: &Value| frame["frame"] == "full_sync" && frame["position"]["revision"].as_u64() == all;
    assert!(holds_within(PATIENCE, || told(&sync())), "{}", sync());
    let mut stream = bob.open(Some(&seen));
    assert_eq!(stream.frame()["frame"], "sign_on");
    let full_sync = stream.frame();
    assert_eq!((&full_sync["frame"], &full_sync["reason"]), (&json!("full_sync"), &json!("gap")));
    assert_eq!(stream.frame(), Value::Null, "a FullSync ends the stream");
    bob.take_snapshots(&full_sync, sent["chat"].as_str().expect("a chat"));
}

/// The texts of the messages in a frame of operations.
fn texts(frame: &Value) -> Vec<String> {
    let operations = frame["operations"].as_array().cloned().unwrap_or_default();
    let text =
        |operation: &Value| operation["payload"]["message"]["content"]["text"].as_str().map(str::to_owned);
    operations.iter().filter_map(text).collect()
}

impl Curl {
    fn command(&self, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--no-buffer", "--max-time", "30"]);
        curl.arg(self.protocol).arg(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            curl.arg("--header").arg(format!("Authorization: Bearer {}", self.token));
        }
        curl
    }

    fn ask(&self, mut curl: Command, body: Option<&Value>) -> Value {
        curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if body.is_some() {
            curl.args(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
        }
        let mut asking = curl.spawn().expect("curl starts");
        let mut input = asking.stdin.take().expect("curl reads");
        input.write_all(body.map(Value::to_string).unwrap_or_default().as_bytes()).expect("curl reads");
        drop(input);
        let told = asking.wait_with_output().expect("curl ends");
        let [said, complaints] = [&told.stdout, &told.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(told.status.success(), "{curl:?}: {said} {complaints}");
        serde_json::from_str(&said).expect("the answer is JSON")
    }

    fn get(&self, path: &str) -> Value {
        self.ask(self.command(path), None)
    }

    fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Value {
        let mut curl = self.command(path);
        if let Some(key) = key {
            curl.arg("--header").arg(format!("Idempotency-Key: {key}"));
        }
        self.ask(curl, Some(body))
    }

    /// A device of somebody new, and the account.
    fn register(&self, name: &str) -> (Self, String) {
        let body = json!({ "name": name, "device": { "name": "curl", "platform": "test" } });
        let told = self.post("/v1/register", &body, None);
        let text = |name: &str| told[name].as_str().expect("credentials").to_owned();
        let Self { protocol, ref url, .. } = *self;
        (Self { protocol, url: url.clone(), token: text("access_token") }, text("account"))
    }

    /// The position that a FullSync gives.
    fn full_sync(&self, reason: &str) -> Value {
        let frame = self.post("/v1/sync", &json!({ "reason": reason }), None);
        assert_eq!((&frame["frame"], &frame["reason"]), (&json!("full_sync"), &json!(reason)), "{frame}");
        frame["position"].clone()
    }

    /// All categories are there, each at the position or later; and the chat's messages are among them.
    fn take_snapshots(&self, full_sync: &Value, chat: &str) {
        for category in full_sync["categories"].as_array().expect("categories") {
            let category = category.as_str().expect("a category");
            let page = self.get(&format!("/v1/snapshots/{category}"));
            assert_eq!(page["category"], category, "{page}");
            assert!(
                page["position"]["revision"].as_u64() >= full_sync["position"]["revision"].as_u64(),
                "{page}"
            );
            if category == "messages" {
                let items = page["items"].as_array().expect("items");
                let item = items.iter().find(|item| item["chat"] == chat).expect("the chat is there");
                let count = item["messages"].as_array().map_or(0, Vec::len);
                assert_eq!(count, 3 + MAX_BEHIND as usize, "{item}");
            }
        }
    }

    fn open(&self, position: Option<&Value>) -> Open {
        let mut curl = self.command(&stream_path(position));
        curl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut curl = curl.spawn().expect("curl starts");
        let lines = BufReader::new(curl.stdout.take().expect("curl writes")).lines();
        Open { curl, lines }
    }
}

impl Open {
    /// The next frame; null at the end.
    fn frame(&mut self) -> Value {
        let line = self.lines.next().map(|line| line.expect("curl writes text"));
        line.map(|line| serde_json::from_str(&line).expect("a frame is JSON")).unwrap_or_default()
    }

    /// The one operation of the next frame.
    fn operation(&mut self) -> Value {
        let frame = self.frame();
        match frame["operations"].as_array().map(Vec::as_slice) {
            Some([operation]) => operation.clone(),
            _ => panic!("expected one operation: {frame}"),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.curl.kill();
        let _ = self.curl.wait();
    }
}
