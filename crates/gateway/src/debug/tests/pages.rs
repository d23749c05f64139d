//! What the pages show of accounts, chats, devices, handles and logs.

use std::time::Duration;

use denrei_actors::chatroom::create::Create;
use denrei_actors::chatroom::send::Send;
use denrei_actors::name::handle::ClaimHandle;
use denrei_model::id::{ChatId, LogId};
use denrei_model::message::{Content, Text};
use denrei_model::operation::JoinPolicy;
use denrei_model::position::Revision;
use denrei_model::row::{HeadKey, OpKey};
use serde_json::{Value, json};

use super::stage::{NOON, Stage, account, device, until};

const SECRET: &str = "meet me at the pier";

/// Person 1 writes to person 2, and the message has arrived.
async fn write(stage: &Stage) -> ChatId {
    let chat = ChatId::direct(account(1), account(2));
    let send = Send {
        chat,
        peer: Some(account(2)),
        sender: account(1),
        device: device(1),
        key: None,
        content: Content::Text(Text { text: SECRET.to_owned() }),
        reply_to: None,
        mentions: Vec::new(),
    };
    stage.act(1, send).await.unwrap();
    for number in [1, 2] {
        let account = account(number);
        until(async || stage.row(OpKey { account, revision: Revision::new(1) }).await).await;
    }
    chat
}

fn at<'a>(page: &'a Value, path: &str) -> &'a Value {
    page.pointer(path).unwrap_or_else(|| panic!("{path} is not in {page}"))
}

#[actix_web::test]
async fn the_node_shows_its_version_its_shards_and_how_long_it_runs() {
    let stage = Stage::new(0).await;
    stage.clock.advance(Duration::from_secs(90));
    let page = stage.page("/debug/node").await;
    assert_eq!(page["version"], "1.2.3");
    assert_eq!(page["ready"], true);
    assert_eq!(page["started_at"], NOON);
    assert_eq!(page["uptime_s"], 90);
    assert_eq!(page["shards"], json!({"all": 4, "running": 4, "stuck": 0, "stopped": 0}));
    assert_eq!((&page["streams"], &page["connections"]), (&json!(0), &json!(0)));
}

#[actix_web::test]
async fn an_account_shows_its_row_the_head_of_its_log_and_its_devices_without_secrets() {
    let stage = Stage::new(2).await;
    write(&stage).await;
    let path = format!("/debug/accounts/{}", account(1));
    let page = stage.page(&path).await;
    let head = stage.row(HeadKey { account: account(1) }).await.unwrap();
    assert_eq!(at(&page, "/row/profile/name"), "person 1");
    assert_eq!(at(&page, "/row/devices"), 1);
    assert_eq!(at(&page, "/head/revision"), 1);
    assert_eq!(at(&page, "/head/tag"), &json!(head.tag));
    assert_eq!(at(&page, "/head/stored_log_id"), &json!(head.log_id));
    assert_eq!(at(&page, "/head/log_id"), &json!(LogId::shown(head.log_id, &[1; 16])));
    assert_eq!(at(&page, "/devices/0/device"), &json!(device(1)));
    assert_eq!(at(&page, "/devices/0/last_seen"), 20_261_124);
    assert_eq!(page["more_devices"], false);
    assert_eq!(at(&page, "/whereabouts/state"), "running");
    assert_eq!(at(&page, "/whereabouts/entity/active"), true);
    assert_eq!(at(&page, "/whereabouts/entity/sessions"), &json!([]));
    assert_eq!(at(&page, "/whereabouts/entity/pinned_by"), 0);
    assert!(!page.to_string().contains("family"));
}

#[actix_web::test]
async fn looking_at_an_account_does_not_activate_it() {
    let stage = Stage::new(1).await;
    let store = stage.store.crash(usize::MAX);
    let mut later = Stage::new(0).await;
    later.debug.gateway.reader = std::sync::Arc::new(store);
    for _ in 0..2 {
        let page = later.page(&format!("/debug/accounts/{}", account(1))).await;
        assert_eq!(at(&page, "/whereabouts/entity/active"), false);
    }
}

#[actix_web::test]
async fn a_log_is_shown_as_it_is_stored_but_for_what_people_wrote() {
    let stage = Stage::new(2).await;
    let chat = write(&stage).await;
    for (number, kind) in [(1, "SEND_MESSAGE"), (2, "RECEIVE_MESSAGE")] {
        let path = format!("/debug/accounts/{}/operations", account(number));
        let told = stage.ask(&path).await;
        let page = told.json();
        assert_eq!(at(&page, "/operations/0/revision"), 1);
        assert_eq!(at(&page, "/operations/0/type"), kind);
        assert_eq!(at(&page, "/operations/0/created_at"), NOON);
        assert_eq!(at(&page, "/operations/0/chained"), true);
        assert_eq!(at(&page, "/operations/0/payload/message/chat"), &json!(chat));
        assert_eq!(at(&page, "/operations/0/tag"), at(&page, "/head/tag"));
        assert!(!told.body.contains(SECRET), "{}", told.body);
    }
}

#[actix_web::test]
async fn a_log_is_shown_in_stretches_and_if_none_is_asked_for_its_end() {
    let stage = Stage::new(2).await;
    for _ in 0..5 {
        write(&stage).await;
    }
    let last = OpKey { account: account(1), revision: Revision::new(5) };
    until(async || stage.row(last.clone()).await).await;
    let path = format!("/debug/accounts/{}/operations", account(1));
    for (query, revisions, next) in [
        ("", vec![1, 2, 3, 4, 5], Value::Null),
        ("?limit=2", vec![4, 5], Value::Null),
        ("?from=2&limit=2", vec![2, 3], json!(4)),
        ("?from=5", vec![5], Value::Null),
        ("?from=6", vec![], Value::Null),
        ("?from=0&limit=1", vec![1], json!(2)),
    ] {
        let page = stage.page(&format!("{path}{query}")).await;
        let operations = page["operations"].as_array().unwrap();
        let shown: Vec<u64> = operations.iter().map(|one| one["revision"].as_u64().unwrap()).collect();
        assert_eq!(shown, revisions, "{query}");
        assert_eq!(page["next"], next, "{query}");
        assert!(operations.iter().all(|one| one["chained"] == true), "{query}: {page}");
    }
}

#[actix_web::test]
async fn a_chat_shows_its_row_and_everybody_who_is_in_it_or_asked_into_it() {
    let stage = Stage::new(2).await;
    let chat = ChatId::group(account(1), "20261124-a");
    let create = Create {
        chat,
        creator: account(1),
        name: "pier".to_owned(),
        join: JoinPolicy::Invite,
        invite: vec![account(2)],
    };
    stage.act(1, create).await.unwrap();
    let page = stage.page(&format!("/debug/chats/{chat}")).await;
    assert_eq!(at(&page, "/row/kind"), "group");
    assert_eq!(at(&page, "/row/name"), "pier");
    assert_eq!(at(&page, "/row/last_at"), NOON);
    assert_eq!(at(&page, "/members/0/account"), &json!(account(1)));
    assert_eq!(at(&page, "/members/0/membership"), "joined");
    assert_eq!(at(&page, "/members/1/membership"), "invited");
    assert_eq!(page["more_members"], false);
    assert_eq!(at(&page, "/whereabouts/entity/active"), true);
    assert_eq!(at(&page, "/whereabouts/entity/sessions"), &json!([]));
}

#[actix_web::test]
async fn a_device_shows_where_its_tokens_stand_and_nothing_that_they_are_made_of() {
    let stage = Stage::new(1).await;
    let page = stage.page(&format!("/debug/devices/{}/{}", account(1), device(1))).await;
    let row = json!({
        "device": device(1), "name": "phone", "platform": "ios", "created_at": NOON, "number": 0,
        "access_until": NOON + 3_600_000, "access_until_before": 0, "used": false,
        "last_seen": 20_261_124, "revoked_at": null,
    });
    assert_eq!(page["row"], row);
    assert_eq!(page["account"], json!(account(1)));
}

#[actix_web::test]
async fn a_handle_shows_who_has_it() {
    let stage = Stage::new(1).await;
    let claim = ClaimHandle { handle: "brown".to_owned(), account: account(1) };
    stage.act(1, claim).await.unwrap();
    let page = stage.page("/debug/handles/brown").await;
    assert_eq!(page["account"], json!(account(1)));
    assert_eq!(at(&page, "/whereabouts/entity/active"), true);
}
