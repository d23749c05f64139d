//! Idempotency keys that cannot be honoured, and those that must be.

use denrei_tests::node::Node;
use denrei_tests::person::{Person, key};
use denrei_tests::plain::{Plain, Told};
use denrei_tests::surroundings::day;
use serde_json::json;

use crate::node;

async fn send(node: &Node, from: &Person, (to, text): (&str, &str), key: &str) -> Told {
    let body = json!({ "to": to, "message": { "type": "text", "text": text } });
    let request = Plain::new("POST", "/v1/messages").bearer(&from.token).key(key).json(&body.to_string());
    request.send(node.address()).await
}

#[tokio::test]
async fn keys_of_other_days_or_other_forms_are_refused_and_change_nothing() {
    let Some(node) = node("keys_of_other_days_or_other_forms_are_refused_and_change_nothing") else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let before = [ann.everything().await, bob.everything().await];
    let cases = [
        (format!("{}-a", day(-3)), 409, "key_expired"),
        ("20000101-a".to_owned(), 409, "key_expired"),
        (format!("{}-a", day(3)), 409, "key_future"),
        ("99991231-a".to_owned(), 409, "key_future"),
        ("20260230-a".to_owned(), 400, "key_malformed"),
        ("a".to_owned(), 400, "key_malformed"),
        (format!("{}-", day(0)), 400, "key_malformed"),
        (format!("{}-a b", day(0)), 400, "key_malformed"),
        (format!("{}-{}", day(0), "a".repeat(100)), 400, "key_malformed"),
    ];
    for (key, status, code) in cases {
        send(&node, &ann, (&bob.account, "never"), &key).await.assert_problem(&key, status, code);
    }
    let body = json!({ "name": "group", "invite": [bob.account] }).to_string();
    let unkeyed = Plain::new("POST", "/v1/chats").bearer(&ann.token).json(&body).send(node.address()).await;
    unkeyed.assert_problem("a group without a key", 400, "key_required");
    assert_eq!([ann.everything().await, bob.everything().await], before);
}

#[tokio::test]
async fn a_key_stands_for_one_message_until_it_is_used_for_another() {
    let Some(mut node) = node("a_key_stands_for_one_message_until_it_is_used_for_another") else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let key = key("once");
    let first = send(&node, &ann, (&bob.account, "once"), &key).await;
    assert_eq!(first.status, 200, "{first:?}");
    for _ in 0..3 {
        assert_eq!(send(&node, &ann, (&bob.account, "once"), &key).await.body, first.body);
    }
    let other = send(&node, &ann, (&bob.account, "twice"), &key).await;
    other.assert_problem("the same key for another text", 409, "key_reused");
    let theirs = send(&node, &bob, (&ann.account, "mine"), &key).await;
    assert_eq!(theirs.status, 200, "somebody else's key is another: {theirs:?}");
    node.kill();
    node.restart();
    assert_eq!(send(&node, &ann, (&bob.account, "once"), &key).await.body, first.body, "after a crash");
    bob.reconnect().await;
    let chat = first.body["chat"].as_str().expect("a chat");
    bob.reached(2).await;
    assert_eq!(bob.texts(chat).await, ["once", "mine"]);
}

#[tokio::test]
async fn a_hundred_attempts_at_once_under_one_key_are_one_message() {
    let Some(node) = node("a_hundred_attempts_at_once_under_one_key_are_one_message") else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let body = json!({ "to": bob.account, "message": { "type": "text", "text": "once" } }).to_string();
    let request = Plain::new("POST", "/v1/messages").bearer(&ann.token).key(&key("all-at-once")).json(&body);
    let attempts = (0..100).map(|_| {
        let (request, address) = (request.clone(), node.address());
        tokio::spawn(async move { request.send(address).await })
    });
    let mut answers = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        let told = attempt.await.expect("an attempt");
        assert_eq!(told.status, 200, "{told:?}");
        answers.push(told.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    bob.reached(1).await;
    let chat = answers.first().and_then(|answer| answer["chat"].as_str()).expect("a chat");
    assert_eq!(bob.texts(chat).await, ["once"]);
}
