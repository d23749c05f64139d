//! Clients that never read: they cost the node a bounded amount of memory, and the others nothing.

use std::time::Duration;

use denrei_client::transport::Call;
use denrei_model::clock::Clock as _;
use denrei_tests::chance::Chance;
use denrei_tests::node::Node;
use denrei_tests::person::{Person, Stream, stream_path};
use denrei_tests::raw::{Frame, Raw};
use denrei_tests::surroundings::clock;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::setup;

const SILENT: usize = 20;
/// Before they fall silent, and after.
const MESSAGES: [usize; 2] = [100, 400];
/// Of a text: as many as there may be.
const CHARACTERS: usize = 5_000;
/// A page of the log for each of them is little; the rest is how far the store's memory comes and goes. A queue of all that
/// is not read would be twice as much.
const GROWTH_KIB: u64 = 64 * 1024;

async fn silent(node: &Node) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..SILENT {
        people.push(Person::register(node, &format!("silent {number}")).await);
    }
    people
}

/// Everyone opens a stream and never reads from it: every third in HTTP/1.1, the others in HTTP/2.
async fn fall_silent(node: &Node, people: &[Person]) -> Vec<Raw> {
    let mut connections = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let path = stream_path(Some(&person.head().await));
        let connection = if number % 3 == 0 {
            let mut raw = Raw::connect(node.address()).await;
            let token = &person.token;
            let head = format!("GET {path} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {token}\r\n\r\n");
            raw.write(head.as_bytes()).await;
            raw
        } else {
            let mut raw = Raw::http2(node.address()).await;
            raw.send(&[Frame::get(1, &path, &person.token)]).await;
            raw
        };
        connections.push(connection);
    }
    connections
}

/// A group that all of them are in.
async fn group(ann: &Person, members: &[&Person]) -> String {
    let invited: Vec<&str> = members.iter().map(|person| person.account.as_str()).collect();
    let draft = json!({ "name": "everyone", "invite": invited });
    let group = ann.granted(Call::post("/v1/chats", &draft).key(&ann.fresh_key())).await;
    let group = group["chat"].as_str().expect("a chat").to_owned();
    for person in members {
        let accept = Call::post(format!("/v1/chats/{group}/accept"), &json!({})).key(&person.fresh_key());
        person.granted(accept).await;
    }
    group
}

/// Reads up to the operation that carries this message; its revision.
async fn until(stream: &mut Stream, sent: &Value) -> u64 {
    loop {
        for operation in stream.operations(1).await {
            if operation["payload"]["message"]["seq"] == sent["seq"] {
                return operation["revision"].as_u64().expect("a revision");
            }
        }
    }
}

/// The least that is resident of the node within some seconds, or what is little enough: until the store has written its
/// tables they are in memory.
async fn least(node: &Node, enough: u64) -> u64 {
    let mut least = node.resident_kib();
    for _ in 0..50 {
        if least <= enough {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        least = least.min(node.resident_kib());
    }
    least
}

/// The longest text there is, of characters of four bytes that no compression makes much shorter.
fn long_text(chance: &mut Chance) -> String {
    let ideograph = |number: usize| char::from_u32(0x2_0000 + number as u32).expect("an ideograph");
    (0..CHARACTERS).map(|_| ideograph(chance.below(0xa000))).collect()
}

/// Sends so many messages to the group, each of which somebody who reads must get at once.
async fn talk(ann: &Person, group: &str, reader: &mut Stream, messages: usize) {
    let mut chance = Chance::of("slow");
    for _ in 0..messages {
        let text = long_text(&mut chance);
        let sending = clock();
        let sent = ann.send(group, &text).await;
        until(reader, &sent).await;
        let took = sending.monotonic();
        assert!(took < Duration::from_secs(5), "somebody who reads waited {took:?}");
    }
}

#[tokio::test]
async fn clients_that_never_read_cost_bounded_memory_and_harm_nobody() {
    let Some(setup) = setup("clients_that_never_read_cost_bounded_memory_and_harm_nobody") else { return };
    // Rows that shards keep are not what is measured here.
    let node = setup.option("runtime.shard", "cached_rows = 1").start();
    let [ann, carol, lazy] = [
        Person::register(&node, "Ann").await,
        Person::register(&node, "Carol").await,
        Person::register(&node, "Lazy").await,
    ];
    let silent = silent(&node).await;
    let members: Vec<&Person> = silent.iter().chain([&carol, &lazy]).collect();
    let group = group(&ann, &members).await;
    let [mut stream, mut later] = [carol.follow().await, lazy.follow().await];
    // When this has arrived, so has all that happened in the group before.
    let ready = ann.send(&group, "ready").await;
    until(&mut stream, &ready).await;
    until(&mut later, &ready).await;
    // The store's memory grows up to its bounds first, while nobody is silent yet.
    let [warming_up, messages] = MESSAGES;
    talk(&ann, &group, &mut stream, warming_up).await;
    let from = until(&mut later, &ann.send(&group, "now").await).await;

    let log_id = lazy.head().await["log_id"].clone();
    let before = least(&node, 0).await;
    let connections = fall_silent(&node, &silent).await;
    talk(&ann, &group, &mut stream, messages).await;
    let grown = least(&node, before + GROWTH_KIB).await.saturating_sub(before);
    println!("{SILENT} silent streams, {messages} messages: {grown} KiB more");
    assert!(grown <= GROWTH_KIB, "{grown} KiB more");

    // Who comes to read after all gets everything, in order, from the same stream.
    let received = later.operations(messages).await;
    let revisions: Vec<Option<u64>> =
        received.iter().map(|operation| operation["revision"].as_u64()).collect();
    let expected: Vec<Option<u64>> = (1..=messages as u64).map(|step| Some(from + step)).collect();
    assert_eq!(revisions, expected);
    drop(connections);

    // An answer is full with a mebibyte and a message, however many are asked for.
    let near = received.get(messages - 100).expect("a hundred before the last");
    let position = json!({ "log_id": log_id, "revision": near["revision"], "tag": near["tag"] });
    let path = stream_path(Some(&position)).replace("stream", "operations") + "&count=1000";
    let page = lazy.ask(Call::get(path)).await;
    assert!(page.is_ok() && page.body.len() < 1_500_000, "{} {} bytes", page.status, page.body.len());
}
