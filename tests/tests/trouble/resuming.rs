//! Whoever has just taken snapshots may miss more than others, page after page, until they have caught up.

use denrei_client::transport::Call;
use denrei_tests::person::Person;
use serde_json::{Value, json};

use crate::setup;

const MAX_BEHIND: u64 = 5;
const MISSED: u64 = 14;

#[tokio::test]
async fn a_resume_token_is_good_for_every_page_and_for_nobody_else() {
    let Some(setup) = setup("a_resume_token_is_good_for_every_page_and_for_nobody_else") else { return };
    let node = setup.option("gateway", &format!("max_behind = {MAX_BEHIND}")).start();
    let (ann, bob) = (Person::register(&node, "Ann").await, Person::register(&node, "Bob").await);
    let told = bob.full_sync("initialization").await;
    let foreign = ann.full_sync("initialization").await;
    for number in 0..MISSED {
        ann.send(&bob.account, &format!("message {number}")).await;
    }
    let mut position = told["position"].clone();
    let from = position["revision"].as_u64().expect("a revision");
    bob.reached(from + MISSED).await;
    let sync = async |position: &Value, token: &Value| {
        let body = json!({ "position": position, "resume_token": token, "count": 4 });
        bob.granted(Call::post("/v1/sync", &body)).await
    };
    for token in [&Value::Null, &foreign["resume_token"], &json!("nonsense")] {
        let frame = sync(&position, token).await;
        assert_eq!((&frame["frame"], &frame["reason"]), (&json!("full_sync"), &json!("gap")), "{token}");
    }
    let mut got = 0;
    while got < MISSED {
        let frame = sync(&position, &told["resume_token"]).await;
        assert_eq!(frame["frame"], "operations", "after {got} of {MISSED}: {frame}");
        let operations = frame["operations"].as_array().expect("operations");
        got += operations.len() as u64;
        let last = operations.last().expect("some");
        position = json!({
            "log_id": position["log_id"], "revision": last["revision"], "tag": last["tag"],
        });
    }
    assert_eq!(sync(&position, &told["resume_token"]).await["frame"], "heartbeat");
}

#[tokio::test]
async fn histories_of_long_messages_come_in_several_pages() {
    let Some(setup) = setup("histories_of_long_messages_come_in_several_pages") else { return };
    let node = setup.start();
    let ann = Person::register(&node, "Ann").await;
    // 2 MB a chat: two of them fill a page.
    let text = "🐻".repeat(5_000);
    for name in ["Bob", "Cid", "Dan"] {
        let friend = Person::register(&node, name).await;
        for number in 0..100 {
            friend.send(&ann.account, if number == 0 { "hello" } else { &text }).await;
        }
    }
    ann.reached(300).await;
    let (mut chats, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = ann.granted(Call::get(format!("/v1/snapshots/messages?limit=20{after}"))).await;
        pages += 1;
        for history in page["items"].as_array().expect("items") {
            assert_eq!(history["messages"].as_array().map(Vec::len), Some(100));
            chats.push(history["chat"].as_str().expect("a chat").to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let before = chats.len();
    chats.sort();
    chats.dedup();
    assert_eq!((pages, before, chats.len()), (2, 3, 3));
}
