//! What one may not do: to chats that one is not in, to people who do not exist, with marks of the future.

use denrei_client::transport::Call;
use denrei_tests::person::{Person, json as body, say};
use denrei_tests::plain::Plain;
use serde_json::json;

use crate::node;

#[tokio::test]
async fn somebody_who_is_not_in_a_chat_learns_and_changes_nothing() {
    let Some(node) = node("somebody_who_is_not_in_a_chat_learns_and_changes_nothing") else { return };
    let [ann, bob, eve] = [
        Person::register(&node, "Ann").await,
        Person::register(&node, "Bob").await,
        Person::register(&node, "Eve").await,
    ];
    let draft = json!({ "name": "us", "invite": [bob.account] });
    let group = ann.granted(Call::post("/v1/chats", &draft).key(&ann.fresh_key())).await["chat"].clone();
    let group = group.as_str().expect("a chat");
    let direct = ann.send(&bob.account, "between us").await["chat"].clone();
    let direct = direct.as_str().expect("a chat");
    ann.send(group, "among us").await;
    // Ann made a group and said two things; Bob was invited, and spoken to once.
    ann.reached(3).await;
    bob.reached(2).await;
    let before = [ann.everything().await, bob.everything().await, eve.everything().await];
    for chat in [group, direct, "C0123456789abcdef0123456789abcdef"] {
        let message = json!({ "to": chat, "message": { "type": "text", "text": "me too" } });
        let cases = [
            ("POST", "/v1/messages".to_owned(), message),
            ("GET", format!("/v1/chats/{chat}"), json!({})),
            ("GET", format!("/v1/chats/{chat}/messages"), json!({})),
            ("PUT", format!("/v1/chats/{chat}/read"), json!({ "seq": 1 })),
            ("DELETE", format!("/v1/chats/{chat}/messages/1"), json!({})),
            ("PUT", format!("/v1/chats/{chat}/messages/1/reaction"), json!({ "emoji": "👍" })),
        ];
        for (method, path, body) in cases {
            let request =
                Plain::new(method, &path).bearer(&eve.token).key(&eve.fresh_key()).json(&body.to_string());
            request.send(node.address()).await.assert_problem(&format!("{method} {path}"), 403, "not_member");
        }
    }
    for (path, body) in [
        (format!("/v1/chats/{group}/invitations"), json!({ "accounts": [eve.account] })),
        (format!("/v1/chats/{group}/leave"), json!({})),
    ] {
        let request =
            Plain::new("POST", &path).bearer(&eve.token).key(&eve.fresh_key()).json(&body.to_string());
        request.send(node.address()).await.assert_problem(&path, 403, "not_member");
    }
    assert_eq!([ann.everything().await, bob.everything().await, eve.everything().await], before);
}

#[tokio::test]
async fn people_who_do_not_exist_cannot_be_written_to_added_or_invited() {
    let Some(node) = node("people_who_do_not_exist_cannot_be_written_to_added_or_invited") else { return };
    let ann = Person::register(&node, "Ann").await;
    let nobody = "U0123456789abcdef0123456789abcdef";
    let before = ann.everything().await;
    let message = |to: &str| json!({ "to": to, "message": { "type": "text", "text": "anybody?" } });
    let cases = [
        ("POST", "/v1/messages".to_owned(), message(nobody), 404, "no_such_account"),
        ("POST", "/v1/messages".to_owned(), message(&ann.account), 409, "oneself"),
        ("POST", "/v1/chats".to_owned(), json!({ "name": "us", "invite": [nobody] }), 404, "no_such_account"),
        ("PUT", format!("/v1/contacts/{nobody}"), json!({}), 404, "no_such_account"),
        ("PUT", format!("/v1/contacts/{}", ann.account), json!({}), 409, "oneself"),
        ("GET", format!("/v1/people/{nobody}"), json!({}), 404, "no_such_account"),
        ("GET", "/v1/handles/nobody".to_owned(), json!({}), 404, "no_such_account"),
    ];
    for (method, path, body, status, code) in cases {
        let request =
            Plain::new(method, &path).bearer(&ann.token).key(&ann.fresh_key()).json(&body.to_string());
        request.send(node.address()).await.assert_problem(&format!("{method} {path}"), status, code);
    }
    assert_eq!(ann.everything().await, before);
}

#[tokio::test]
async fn what_answers_no_message_or_mentions_strangers_is_not_sent() {
    let Some(node) = node("what_answers_no_message_or_mentions_strangers_is_not_sent") else { return };
    let [ann, bob, eve] = [
        Person::register(&node, "Ann").await,
        Person::register(&node, "Bob").await,
        Person::register(&node, "Eve").await,
    ];
    let seq = ann.send(&bob.account, "one").await["seq"].clone();
    ann.reached(1).await;
    bob.reached(1).await;
    let before = [ann.everything().await, bob.everything().await, eve.everything().await];
    let mention = json!([{ "account": eve.account, "index": 0, "length": 2 }]);
    let cases = [
        (json!({ "reply_to": 2 }), 404, "no_such_message"),
        (json!({ "reply_to": 0 }), 404, "no_such_message"),
        (json!({ "reply_to": u64::MAX }), 404, "no_such_message"),
        (json!({ "mentions": mention }), 409, "mention_not_member"),
    ];
    // Under one key: what is refused uses none up.
    let key = ann.fresh_key();
    for (said, status, code) in cases {
        let mut message = json!({ "type": "text", "text": "two" });
        message.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        let message = json!({ "to": bob.account, "message": message }).to_string();
        let request = Plain::new("POST", "/v1/messages").bearer(&ann.token).key(&key).json(&message);
        let answer = request.send(node.address()).await;
        answer.assert_problem(&message, status, code);
        let named = if status == 404 {
            ("field", json!("message.reply_to"))
        } else {
            ("account", json!(eve.account))
        };
        assert_eq!(answer.body[named.0], named.1, "{message}");
    }
    assert_eq!([ann.everything().await, bob.everything().await, eve.everything().await], before);
    let answer = json!({ "to": bob.account, "message": { "type": "text", "text": "two", "reply_to": seq } });
    assert_eq!(ann.granted(Call::post("/v1/messages", &answer).key(&key)).await["seq"], json!(2));
}

#[tokio::test]
async fn a_read_mark_of_the_future_is_the_last_message_that_was_received() {
    let Some(node) = node("a_read_mark_of_the_future_is_the_last_message_that_was_received") else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    ann.send(&bob.account, "one").await;
    let mut stream = bob.stream(Some(&bob.head().await)).await;
    assert_eq!(stream.frame().await["frame"], "sign_on");
    let sent = ann.send(&bob.account, "two").await;
    stream.operations(1).await;
    let path = format!("/v1/chats/{}/read", sent["chat"].as_str().expect("a chat"));
    let mark = |seq: serde_json::Value| {
        Call::new(denrei_client::transport::Method::PUT, &path).json(&json!({ "seq": seq }))
    };
    for future in [json!(1_000_000), json!(u64::MAX)] {
        let marked = bob.granted(mark(future)).await;
        assert_eq!((&marked["seq"], &marked["unread"]), (&sent["seq"], &json!(0)), "{marked}");
    }
    for wrong in [json!(-1), json!("1"), json!(1.5), json!(null)] {
        let answer = bob.ask(mark(wrong.clone())).await;
        assert_eq!(
            (answer.status, &body(&answer)["code"]),
            (400, &json!("invalid_request")),
            "{wrong}: {answer:?}"
        );
    }
    let back = bob.granted(mark(json!(0))).await;
    assert_eq!(back["seq"], sent["seq"], "a mark does not go back: {back}");
    ann.send(&bob.account, "three").await;
    assert!(bob.ask(say(&ann.account, "read it").key(&bob.fresh_key())).await.is_ok());
}
