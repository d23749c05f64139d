//! What went wrong is seen, put back, thrown away; by admins alone.

use std::time::Duration;

use denrei_client::transport::{Call, Connection, Method, Target};
use serde_json::{Value, json};

use super::node::Node;
use super::plant;

const QUEUE: [&str; 2] = ["denrei.retention", "sweep"];
const PATH: &str = "/debug/queues/denrei.retention/sweep";

fn of<'a>(action: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [action].iter().chain(&QUEUE).chain(more).copied().collect()
}

/// What whoever has this token is told.
async fn told(connection: &Connection, call: &Call, token: &str) -> (u16, Value) {
    let answer = connection.call(&call.clone().bearer(token.trim())).await.unwrap();
    (answer.status, answer.json().unwrap())
}

/// The offsets of the dead letters.
fn offsets(letters: &Value) -> Vec<u64> {
    let letters = letters["dead_letters"].as_array().into_iter().flatten();
    letters.map(|letter| letter["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_listed_looked_at_put_back_and_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    plant::nonsense(&dir.path().join("data")).await;
    let node = Node::start(dir.path());
    let letters = node.wait(&of("letters", &[]), |letters| offsets(letters) == [0]);
    assert_eq!(letters["dead_letters"][0]["key"], "broom");
    assert!(letters["dead_letters"][0].get("value").is_none(), "a list does not show what tasks carry");
    let table = node.words(&of("letters", &[]));
    assert!(table.contains("broom  0 ") && table.contains("cannot be decoded"), "{table}");
    let letter = node.json(&of("letter", &["0"]));
    assert_eq!((&letter["value"]["text"], &letter["came_at"]), (&json!("sweep the floor"), &json!(0)));

    assert_eq!(node.words(&of("redrive", &[])), "1 put back; the next one is 1\n");
    node.wait(&of("letters", &[]), |letters| offsets(letters) == [0, 1]);
    node.words(&of("redrive", &["--from", "1", "--purge"]));
    node.wait(&of("letters", &[]), |letters| offsets(letters) == [2]);

    node.wait(&["list"], |overview| overview["queues"][0]["partitions"][0]["lag"] == 0);
    assert_eq!(node.words(&of("reset", &["earliest"])), "the group goes on at 0\n");
    node.wait(&of("letters", &[]), |letters| offsets(letters) == [2, 3, 4, 5]);
    assert_eq!(node.json(&["list"])["queues"][0]["partitions"][0]["dead_letters"], 4);
    assert_eq!(node.words(&of("purge", &["latest"])), "done\n");
    assert_eq!(offsets(&node.json(&of("letters", &[]))), [0; 0]);
    node.stop();
}

#[tokio::test]
async fn how_far_a_queue_is_behind_is_among_the_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.wait(&["list"], |overview| overview["queues"][0]["state"] == "running");
    let connection = Connection::open(&Target::parse(&node.admin).unwrap()).await.unwrap();
    let sample = r#"denrei_queue_lag_records{subscription="sweep",topic="denrei.retention",partition="0"} 0"#;
    let mut page = String::new();
    for _ in 0..150 {
        page = connection.call(&Call::get("/metrics")).await.unwrap().body;
        if page.lines().any(|line| line == sample) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(page.lines().any(|line| line == sample), "{page}");
    assert!(page.contains("# TYPE denrei_queue_lag_records gauge"), "{page}");
    node.stop();
}

#[tokio::test]
async fn nobody_but_an_admin_is_answered_and_nonsense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.wait(&["list"], |overview| overview["queues"][0]["state"] == "running");
    let wrong = dir.path().join("wrong.token");
    std::fs::write(&wrong, "guessed").unwrap();
    let refused = node.queue_as(&wrong, &["list"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("unauthorized"));

    let token = std::fs::read_to_string(dir.path().join("data/admin.token")).unwrap();
    let connection = Connection::open(&Target::parse(&node.admin).unwrap()).await.unwrap();
    let letters = |rest: &str| format!("{PATH}/dead-letters{rest}");
    let post = |path: String, body: Value| Call::post(path, &body);
    for (call, status, code) in [
        (Call::get("/debug/queues/nothing"), 404, "not_found"),
        (Call::get("/debug/queues/no.topic/sweep/timers"), 404, "not_found"),
        (Call::get(letters("/0/99")), 404, "not_found"),
        (Call::get(letters("?limit=0")), 400, "invalid_request"),
        (Call::get(letters("?offset=1")), 400, "invalid_request"),
        (Call::get(letters("/0/first")), 400, "invalid_request"),
        (Call::get("/debug/queues?limit=1"), 400, "invalid_request"),
        (post(letters("/purge?before=latest"), json!({ "before": "latest" })), 400, "invalid_request"),
        (Call::new(Method::DELETE, format!("{PATH}/timers/0/noon")), 400, "invalid_request"),
        (post(letters("/purge"), json!({ "before": "today" })), 400, "invalid_request"),
        (post(letters("/purge"), json!({})), 400, "invalid_request"),
        (post(letters("/redrive"), json!({ "all": true })), 400, "unknown_field"),
        (post(letters("/redrive"), json!({ "partition": 9 })), 404, "not_found"),
        (post(letters("/purge"), json!({ "before": "latest", "partition": 9 })), 404, "not_found"),
        (post(format!("{PATH}/reset"), json!({ "to": -1 })), 400, "invalid_request"),
        (Call::get(letters("/9/0")), 404, "not_found"),
        (Call::get(letters("?partition=9")), 404, "not_found"),
        (Call::get(format!("{PATH}/timers?partition=9")), 404, "not_found"),
        (Call::new(Method::DELETE, format!("{PATH}/timers/9/1.0")), 404, "not_found"),
        (Call::new(Method::PUT, format!("{PATH}/timers/0/1.0")), 415, "unsupported_media_type"),
        (
            Call::new(Method::PUT, format!("{PATH}/timers/0/1.0")).json(&json!({ "due": u64::MAX })),
            400,
            "invalid_request",
        ),
        (post(format!("{PATH}/reset"), json!({ "to": 0, "partition": 9 })), 404, "not_found"),
        (Call::new(Method::PUT, letters("")), 405, "method_not_allowed"),
    ] {
        let (answered, problem) = told(&connection, &call, &token).await;
        assert_eq!((answered, &problem["code"]), (status, &json!(code)), "{call:?}: {problem}");
        let anonymous = connection.call(&call).await.unwrap();
        assert_eq!(anonymous.status, 401, "{call:?}");
    }
    for (call, field, detail) in [
        (
            post(format!("{PATH}/reset"), json!({ "to": -1 })),
            json!("to"),
            "expected \"earliest\", \"latest\" or an offset",
        ),
        (post(letters("/purge"), json!({})), json!("before"), "missing field"),
        (post(letters("/redrive"), json!({ "all": true })), json!("all"), "unknown field"),
        (Call::get(letters("?from=x")), json!("from"), "the query"),
        (Call::get(letters("/0/first")), json!("offset"), "the path"),
        (Call::get(letters("?partition=9")), Value::Null, "denrei.retention has no partition 9; it has 1"),
    ] {
        let (_, problem) = told(&connection, &call, &token).await;
        assert_eq!(problem["field"], field, "{call:?}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{call:?}: {problem}");
    }
    let far = node.queue(&of("move", &["1.0", "--in", "99999999999999"]));
    assert!(String::from_utf8(far.stderr).unwrap().contains("99999999999999 is not in 0..=3153600000"));
    let overview = node.json(&["list"]);
    assert_eq!(
        overview["queues"][0]["state"], "running",
        "a reset that was refused leaves the queue as it was"
    );
    node.stop();
}
