//! Connections that go nowhere, come by the thousand, or give up in the middle.

use std::collections::HashSet;
use std::time::Duration;

use denrei_tests::node::Node;
use denrei_tests::person::{Person, stream_path};
use denrei_tests::plain::Plain;
use denrei_tests::raw::{DATA, Frame, GOAWAY, HEADERS, RST_STREAM, Raw};
use denrei_tests::surroundings::{descriptors_allowed, skip};
use tokio::time::{sleep, timeout};

use crate::{node, setup};

/// What may be open after the clients have gone: connections that the kernel is still closing.
const SLACK: usize = 16;

/// Waits until the node has closed what its clients have left.
async fn expect_closed(node: &Node, before: usize) {
    // Not by blocking the thread: connections that are to live have to answer PINGs meanwhile.
    let closed = async {
        while node.descriptors() > before + SLACK {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let closed = timeout(Duration::from_secs(20), closed).await;
    assert!(closed.is_ok(), "{} descriptors are open, {before} were", node.descriptors());
}

/// Somebody is written to and hears of it.
async fn expect_served(ann: &Person, bob: &Person) {
    let mut stream = bob.follow().await;
    let sent = ann.send(&bob.account, "still there?").await;
    let received = stream.operations(1).await;
    let seq = received.first().map(|operation| operation["payload"]["message"]["seq"].clone());
    assert_eq!(seq, Some(sent["seq"].clone()));
}

#[tokio::test]
async fn half_open_connections_are_closed_and_the_others_served() {
    let Some(setup) = setup("half_open_connections_are_closed_and_the_others_served") else { return };
    let setup = setup.option("http", "handshake_timeout_ms = 1500").option("http", "ping_interval_ms = 1500");
    let node = setup.start();
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let before = node.descriptors();
    let beginnings: [&[u8]; 5] = [
        b"",
        b"PRI * HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0",
        b"GET /v1/str",
        b"POST /v1/messages HTTP/1.1\r\nhost: n",
    ];
    let mut half_open = Vec::new();
    for number in 0..300 {
        let mut raw = Raw::connect(node.address()).await;
        raw.write(beginnings.get(number % beginnings.len()).copied().unwrap_or_default()).await;
        half_open.push(raw);
    }
    expect_served(&ann, &bob).await;
    // They are held open here: it is the node that closes them.
    expect_closed(&node, before).await;
    expect_served(&ann, &bob).await;
    drop(half_open);
}

#[tokio::test]
async fn three_thousand_connections_at_once_are_all_answered() {
    let name = "three_thousand_connections_at_once_are_all_answered";
    let Some(node) = node(name) else { return };
    let most = descriptors_allowed();
    if most < 4_000 {
        return skip(name, &format!("only {most} descriptors may be open"));
    }
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let before = node.descriptors();
    let ask = |_| {
        let (request, address) = (Plain::new("GET", "/v1/profile").bearer(&ann.token), node.address());
        tokio::spawn(async move { request.send(address).await.status })
    };
    let asked: Vec<_> = (0..3_000).map(ask).collect();
    expect_served(&ann, &bob).await;
    for asked in asked {
        assert_eq!(asked.await.expect("an answer"), 200);
    }
    expect_closed(&node, before).await;
    expect_served(&ann, &bob).await;
}

#[tokio::test]
async fn a_stream_reset_in_the_middle_of_catching_up_can_be_opened_again_from_where_it_was() {
    let name = "a_stream_reset_in_the_middle_of_catching_up_can_be_opened_again_from_where_it_was";
    let Some(node) = node(name) else { return };
    let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
    let from = bob.head().await;
    let text = "x".repeat(5_000);
    for _ in 0..150 {
        ann.send(&bob.account, &text).await;
    }
    let before = node.resident_kib();
    let mut raw = Raw::http2(node.address()).await;
    for round in 0..100 {
        let stream = round * 2 + 1;
        raw.send(&[Frame::get(stream, &stream_path(Some(&from)), &bob.token)]).await;
        // Sometimes before the first byte, sometimes after some.
        if round % 2 == 0 {
            raw.frame_like(|frame| {
                frame.stream == stream && matches!(frame.kind, HEADERS | DATA | RST_STREAM)
            })
            .await;
        }
        raw.send(&[Frame::reset(stream)]).await;
    }
    let mut stream = bob.stream(Some(&from)).await;
    assert_eq!(stream.frame().await["frame"], "sign_on");
    let received = stream.operations(150).await;
    let first = from["revision"].as_u64().expect("a revision");
    for (step, operation) in (1..).zip(&received) {
        assert_eq!(operation["revision"], first + step);
    }
    let grown = node.resident_kib().saturating_sub(before);
    assert!(grown < 48 * 1024, "{grown} KiB more");
    expect_served(&ann, &bob).await;
}

#[tokio::test]
async fn ten_thousand_streams_asked_on_one_connection_are_answered_or_refused() {
    let Some(node) = node("ten_thousand_streams_asked_on_one_connection_are_answered_or_refused") else {
        return;
    };
    let [ann, bob, eve] = [
        Person::register(&node, "Ann").await,
        Person::register(&node, "Bob").await,
        Person::register(&node, "Eve").await,
    ];
    let path = stream_path(Some(&eve.head().await));
    let before = node.resident_kib();
    let mut raw = Raw::http2(node.address()).await;
    let mut open: HashSet<u32> = HashSet::new();
    let (mut answered, mut refused) = (0, 0);
    for hundred in 0..100 {
        let asked: Vec<Frame> =
            (0..100).map(|n| Frame::get(hundred * 200 + n * 2 + 1, &path, &eve.token)).collect();
        open.extend(asked.iter().map(|frame| frame.stream));
        raw.send(&asked).await;
        while !open.is_empty() {
            let frame = raw.frame().await.expect("the connection does not end without a word");
            match frame.kind {
                HEADERS => answered += usize::from(open.remove(&frame.stream)),
                RST_STREAM => refused += usize::from(open.remove(&frame.stream)),
                GOAWAY => panic!("the connection is given up: {frame:?}"),
                _ => {}
            }
        }
    }
    let grown = node.resident_kib().saturating_sub(before);
    println!("{answered} answered, {refused} refused, {grown} KiB more");
    assert_eq!(answered + refused, 10_000);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    expect_served(&ann, &bob).await;
}
