//! Tokens that are none, or somebody else's, on every endpoint for devices.

use std::time::Duration;

use denrei_tests::node::Node;
use denrei_tests::person::Person;
use denrei_tests::plain::{Plain, Told};
use serde_json::json;
use tokio::time::sleep;

use crate::{node, setup};

/// Every endpoint that wants a device's token.
const ENDPOINTS: [(&str, &str); 43] = [
    ("GET", "/v1/stream"),
    ("GET", "/v1/operations"),
    ("POST", "/v1/sync"),
    ("POST", "/v1/ack"),
    ("GET", "/v1/snapshots/profile"),
    ("GET", "/v1/snapshots/settings"),
    ("GET", "/v1/snapshots/contacts"),
    ("GET", "/v1/snapshots/chats"),
    ("GET", "/v1/snapshots/messages"),
    ("POST", "/v1/logout"),
    ("GET", "/v1/devices"),
    ("POST", "/v1/devices/link-code"),
    ("DELETE", "/v1/devices/D0123456789abcdef0123456789abcdef"),
    ("GET", "/v1/profile"),
    ("PUT", "/v1/profile"),
    ("PUT", "/v1/profile/handle"),
    ("DELETE", "/v1/profile/handle"),
    ("GET", "/v1/people/U0123456789abcdef0123456789abcdef"),
    ("GET", "/v1/handles/somebody"),
    ("PUT", "/v1/settings/theme"),
    ("DELETE", "/v1/settings/theme"),
    ("PUT", "/v1/device-settings/theme"),
    ("DELETE", "/v1/device-settings/theme"),
    ("PUT", "/v1/contacts/U0123456789abcdef0123456789abcdef"),
    ("DELETE", "/v1/contacts/U0123456789abcdef0123456789abcdef"),
    ("PUT", "/v1/contacts/U0123456789abcdef0123456789abcdef/block"),
    ("DELETE", "/v1/contacts/U0123456789abcdef0123456789abcdef/block"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/chats"),
    ("GET", "/v1/chats/C0123456789abcdef0123456789abcdef"),
    ("PATCH", "/v1/chats/C0123456789abcdef0123456789abcdef"),
    ("POST", "/v1/chats/C0123456789abcdef0123456789abcdef/invitations"),
    ("POST", "/v1/chats/C0123456789abcdef0123456789abcdef/accept"),
    ("POST", "/v1/chats/C0123456789abcdef0123456789abcdef/reject"),
    ("POST", "/v1/chats/C0123456789abcdef0123456789abcdef/join"),
    ("POST", "/v1/chats/C0123456789abcdef0123456789abcdef/leave"),
    ("DELETE", "/v1/chats/C0123456789abcdef0123456789abcdef/members/U0123456789abcdef0123456789abcdef"),
    ("PUT", "/v1/chats/C0123456789abcdef0123456789abcdef/read"),
    ("GET", "/v1/chats/C0123456789abcdef0123456789abcdef/messages"),
    ("DELETE", "/v1/chats/C0123456789abcdef0123456789abcdef/messages/1"),
    ("PUT", "/v1/chats/C0123456789abcdef0123456789abcdef/messages/1/reaction"),
    ("DELETE", "/v1/chats/C0123456789abcdef0123456789abcdef/messages/1/reaction"),
    ("GET", "/v1/snapshots/chats?top=true"),
];

#[tokio::test]
async fn no_endpoint_takes_a_token_that_is_not_a_devices_own() {
    let name = "no_endpoint_takes_a_token_that_is_not_a_devices_own";
    let (Some(node), Some(elsewhere)) = (node(name), node(name)) else { return };
    let [ann, foreign] = [Person::register(&node, "Ann").await, Person::register(&elsewhere, "Eve").await];
    let before = ann.everything().await;
    let admin = std::fs::read_to_string(node.data_dir().join("admin.token")).expect("an admin token");
    let forged = {
        let mut forged = ann.token.clone();
        let last = if forged.ends_with('A') { "E" } else { "A" };
        forged.replace_range(forged.len() - 1.., last);
        forged
    };
    let tokens = [
        ("no token", None, 401, "unauthorized"),
        ("an empty one", Some(""), 401, "unauthorized"),
        ("a word", Some("open-sesame"), 401, "unauthorized"),
        ("one of another node", Some(foreign.token.as_str()), 401, "unauthorized"),
        ("a forged one", Some(forged.as_str()), 401, "unauthorized"),
        ("a refresh token", Some(ann.refresh.as_str()), 403, "forbidden_realm"),
        ("the admin token", Some(admin.trim()), 403, "forbidden_realm"),
    ];
    for (method, path) in ENDPOINTS {
        for (what, token, status, code) in tokens {
            let request = Plain::new(method, path).json("{}");
            let request = if let Some(token) = token { request.bearer(token) } else { request };
            let told = request.send(node.address()).await;
            told.assert_problem(&format!("{what} on {method} {path}"), status, code);
        }
    }
    assert_eq!(ann.everything().await, before);
}

#[tokio::test]
async fn a_device_that_was_logged_out_is_told_so_and_its_stream_ends() {
    let Some(node) = node("a_device_that_was_logged_out_is_told_so_and_its_stream_ends") else { return };
    let ann = Person::register(&node, "Ann").await;
    let other = ann.link().await;
    let mut stream = other.follow().await;
    let revoke = Plain::new("DELETE", &format!("/v1/devices/{}", other.device)).bearer(&ann.token);
    let told = revoke.send(node.address()).await;
    assert!((200..300).contains(&told.status), "{told:?}");
    assert_eq!(stream.word().await["frame"], "revoked");
    assert!(stream.frame().await.is_null(), "the stream ends");
    let told = Plain::new("GET", "/v1/profile").bearer(&other.token).send(node.address()).await;
    told.assert_problem("after it was logged out", 401, "token_revoked");
}

async fn profile(node: &Node, token: &str) -> Told {
    Plain::new("GET", "/v1/profile").bearer(token).send(node.address()).await
}

async fn renew(node: &Node, refresh: &str) -> Told {
    let body = json!({ "refresh_token": refresh }).to_string();
    Plain::new("POST", "/v1/token").json(&body).send(node.address()).await
}

#[tokio::test]
async fn an_access_token_ends_and_the_refresh_token_gives_the_next_once() {
    let name = "an_access_token_ends_and_the_refresh_token_gives_the_next_once";
    let Some(setup) = setup(name) else { return };
    let node = setup.option("gateway", "access_token_s = 3").start();
    let ann = Person::register(&node, "Ann").await;
    assert_eq!(profile(&node, &ann.token).await.status, 200);
    // Nobody tells when a token has ended.
    sleep(Duration::from_millis(3_100)).await;
    profile(&node, &ann.token).await.assert_problem("after three seconds", 401, "token_expired");

    let renewed = renew(&node, &ann.refresh).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(
        renew(&node, &ann.refresh).await.body["access_token"],
        renewed.body["access_token"],
        "a retry"
    );
    let text = |name: &str| renewed.body[name].as_str().expect("credentials").to_owned();
    assert_eq!(profile(&node, &text("access_token")).await.status, 200);
    // Its successor has been used: whoever comes with the old one now has stolen it, or was stolen from.
    renew(&node, &ann.refresh).await.assert_problem("a spent refresh token", 401, "token_revoked");
    profile(&node, &text("access_token")).await.assert_problem("after the theft", 401, "token_revoked");
    renew(&node, &text("refresh_token")).await.assert_problem("after the theft", 401, "token_revoked");
}
