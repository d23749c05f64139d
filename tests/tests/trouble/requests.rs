//! Requests that are not as they must be: each is told what is wrong with it, and changes nothing.

use denrei_tests::person::Person;
use denrei_tests::plain::Plain;
use serde_json::{Value, json};

use crate::node;

/// A body, and how it is refused.
type Case = (&'static str, String, u16, &'static str);

fn bodies(to: &str) -> Vec<Case> {
    let message = |message: Value| json!({ "to": to, "message": message }).to_string();
    let text = |text: &str| message(json!({ "type": "text", "text": text }));
    vec![
        ("no body", String::new(), 400, "malformed_json"),
        ("half a body", "{\"to\":".to_owned(), 400, "malformed_json"),
        ("a body and a half", format!("{} x", text("hello")), 400, "malformed_json"),
        ("no JSON", "to=you".to_owned(), 400, "malformed_json"),
        (
            "an unknown field",
            json!({ "to": to, "message": { "type": "text", "text": "a" }, "cc": 1 }).to_string(),
            400,
            "unknown_field",
        ),
        (
            "an unknown field inside",
            message(json!({ "type": "text", "text": "a", "bold": true })),
            400,
            "unknown_field",
        ),
        ("an array", "[]".to_owned(), 400, "invalid_request"),
        ("a missing field", json!({ "to": to }).to_string(), 400, "invalid_request"),
        ("a number for a text", message(json!({ "type": "text", "text": 5 })), 400, "invalid_request"),
        ("an unknown kind", message(json!({ "type": "smell", "text": "a" })), 400, "invalid_request"),
        (
            "null for an account",
            json!({ "to": null, "message": { "type": "text", "text": "a" } }).to_string(),
            400,
            "invalid_request",
        ),
        (
            "no account",
            json!({ "to": "U12", "message": { "type": "text", "text": "a" } }).to_string(),
            400,
            "invalid_request",
        ),
        ("an empty text", text(""), 400, "invalid_request"),
        ("a text of blanks", text("  \n "), 400, "invalid_request"),
        ("a control character", text("a\u{7}b"), 400, "invalid_request"),
        ("a text that is too long", text(&"a".repeat(5_001)), 400, "invalid_request"),
        (
            "a negative reply",
            message(json!({ "type": "text", "text": "a", "reply_to": -1 })),
            400,
            "invalid_request",
        ),
        ("a deep body", "[".repeat(20_000), 400, "invalid_request"),
        ("a body of 70 KiB", text(&"a".repeat(70_000)), 413, "body_too_large"),
    ]
}

#[tokio::test]
async fn a_body_that_is_not_as_it_must_be_is_refused_precisely_and_changes_nothing() {
    let Some(node) = node("a_body_that_is_not_as_it_must_be_is_refused_precisely_and_changes_nothing") else {
        return;
    };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    ann.send(&bob.account, "before").await;
    bob.reached(1).await;
    ann.reached(1).await;
    let before = [ann.everything().await, bob.everything().await];
    let send = || Plain::new("POST", "/v1/messages").bearer(&ann.token).key(&ann.fresh_key());
    for (what, body, status, code) in bodies(&bob.account) {
        send().json(&body).send(node.address()).await.assert_problem(what, status, code);
    }
    let wrong = json!({ "to": bob.account, "message": { "type": "text", "text": 5 } }).to_string();
    let told = send().json(&wrong).send(node.address()).await;
    assert!(told.body["field"].as_str().is_some_and(|field| field.starts_with("message")), "{told:?}");
    let deep = format!("{{\"value\":{}", "[".repeat(20_000));
    let setting = Plain::new("PUT", "/v1/settings/theme").bearer(&ann.token).json(&deep);
    setting.send(node.address()).await.assert_problem("a deep value", 400, "malformed_json");
    assert_eq!([ann.everything().await, bob.everything().await], before);
}

#[tokio::test]
async fn a_body_of_another_kind_or_without_its_end_is_refused() {
    let Some(node) = node("a_body_of_another_kind_or_without_its_end_is_refused") else { return };
    let ann = Person::register(&node, "Ann").await;
    let before = ann.everything().await;
    let body = json!({ "to": ann.account, "message": { "type": "text", "text": "a" } }).to_string();
    let send = || Plain::new("POST", "/v1/messages").bearer(&ann.token).key(&ann.fresh_key());
    let length = body.len().to_string();
    let untold = send().header("content-length", &length).bytes(body.as_bytes());
    untold.send(node.address()).await.assert_problem("no content type", 415, "unsupported_media_type");
    let text =
        send().header("content-type", "text/plain").header("content-length", &length).bytes(body.as_bytes());
    text.send(node.address()).await.assert_problem("another content type", 415, "unsupported_media_type");
    let packed = send().header("content-encoding", "gzip").json(&body);
    packed.send(node.address()).await.assert_problem("an encoded body", 415, "unsupported_media_type");
    let mut chunks = Vec::new();
    for _ in 0..20 {
        chunks.extend_from_slice(b"1000\r\n");
        chunks.extend_from_slice(&[b'a'; 0x1000]);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    let endless = send().header("content-type", "application/json").header("transfer-encoding", "chunked");
    let told = endless.bytes(&chunks).send(node.address()).await;
    told.assert_problem("80 KiB in chunks", 413, "body_too_large");
    assert_eq!(ann.everything().await, before);
}

#[tokio::test]
async fn paths_methods_and_queries_that_lead_nowhere_are_told_so() {
    let Some(node) = node("paths_methods_and_queries_that_lead_nowhere_are_told_so") else { return };
    let ann = Person::register(&node, "Ann").await;
    let cases = [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("DELETE", "/v1/messages", 405, "method_not_allowed"),
        ("POST", "/v1/stream", 405, "method_not_allowed"),
        ("GET", "/v1/sync", 405, "method_not_allowed"),
        ("GET", "/v1/stream?log_id=1", 400, "invalid_request"),
        ("GET", "/v1/stream?revision=1", 400, "invalid_request"),
        ("GET", "/v1/stream?colour=red", 400, "invalid_request"),
        ("GET", "/v1/operations?count=0", 400, "invalid_request"),
        ("GET", "/v1/operations?count=1001", 400, "invalid_request"),
        ("GET", "/v1/operations?wait=-1", 400, "invalid_request"),
        ("GET", "/v1/snapshots/chats?limit=0", 400, "invalid_request"),
        ("GET", "/v1/snapshots/chats?after=%ff", 400, "invalid_request"),
        ("GET", "/v1/snapshots/everything", 400, "invalid_request"),
        ("GET", "/v1/people/nobody", 400, "invalid_request"),
        ("GET", "/v1/profile?colour=red", 400, "invalid_request"),
        ("POST", "/v1/logout?device=all", 400, "invalid_request"),
        ("GET", "/v1/chats/C12/messages", 400, "invalid_request"),
    ];
    for (method, path, status, code) in cases {
        let told = Plain::new(method, path).bearer(&ann.token).send(node.address()).await;
        told.assert_problem(&format!("{method} {path}"), status, code);
    }
    for (path, status) in [("/v1/profile", 200), ("/v1/nothing", 404), ("/v1/stream", 405)] {
        let told = Plain::new("HEAD", path).bearer(&ann.token).send(node.address()).await;
        assert_eq!((told.status, &told.body), (status, &Value::Null), "HEAD {path}");
        assert!(told.head.contains("content-length: "), "HEAD {path}: {}", told.head);
    }
}
