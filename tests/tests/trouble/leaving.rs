//! A node that is told to stop: it sends its devices away in order, finishes what it has begun, and loses nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use denrei_client::transport::Call;
use denrei_tests::person::{Person, json, stream_path};
use denrei_tests::raw::{DATA, Frame, GOAWAY, Raw};
use serde_json::Value;
use tokio::task::{LocalSet, spawn_local};

use crate::node;

/// `END_STREAM`.
const END: u8 = 1;

#[tokio::test]
async fn streams_are_told_to_reconnect_and_connections_that_the_node_is_going() {
    let name = "streams_are_told_to_reconnect_and_connections_that_the_node_is_going";
    let Some(mut node) = node(name) else { return };
    let ann = Person::register(&node, "Ann").await;
    let mut raw = Raw::http2(node.address()).await;
    raw.send(&[Frame::get(1, &stream_path(Some(&ann.head().await)), &ann.token)]).await;
    let sign_on = raw.frame_like(|frame| frame.kind == DATA).await;
    assert!(String::from_utf8_lossy(&sign_on.payload).contains("sign_on"));
    node.terminate();
    let (mut said, mut ended, mut goaway) = (String::new(), false, None);
    while !(ended && goaway.is_some()) {
        let frame = raw.frame().await.expect("the connection does not end before both");
        match frame.kind {
            DATA => {
                said.push_str(&String::from_utf8_lossy(&frame.payload));
                ended |= frame.flags & END != 0;
            }
            GOAWAY => goaway = Some(frame),
            _ => {}
        }
    }
    let frame: Value = serde_json::from_str(said.lines().last().expect("a last word")).expect("JSON");
    assert_eq!(frame["frame"], "reconnect", "{said}");
    assert!(frame["after_ms"].as_u64().is_some_and(|after| after <= 5_000), "{said}");
    // Last stream, then the reason: none.
    let reason = goaway.and_then(|frame| frame.payload.get(4..8).map(<[u8]>::to_vec));
    assert_eq!(reason, Some(vec![0; 4]));
    assert_eq!(node.ended().code(), Some(0));
}

#[tokio::test]
async fn a_stop_under_load_ends_with_0_and_loses_nothing_that_was_answered() {
    let name = "a_stop_under_load_ends_with_0_and_loses_nothing_that_was_answered";
    let Some(mut node) = node(name) else { return };
    let bob = Person::register(&node, "Bob").await;
    // The seqs that were answered, by chat.
    let answered: Rc<RefCell<BTreeMap<String, Vec<u64>>>> = Rc::default();
    let mut senders = Vec::new();
    for number in 0..16 {
        senders.push(Rc::new(Person::register(&node, &format!("sender {number}")).await));
    }
    let sending = LocalSet::new();
    let run = sending.run_until(async {
        let tasks = senders.iter().map(|sender| {
            let (sender, bob, answered) = (Rc::clone(sender), bob.account.clone(), Rc::clone(&answered));
            spawn_local(async move {
                while let Some(answer) = sender.try_send(&bob, "on time?").await {
                    if !answer.is_ok() {
                        assert_eq!(answer.status, 503, "{answer:?}");
                        break;
                    }
                    let sent = json(&answer);
                    let chat = sent["chat"].as_str().expect("a chat").to_owned();
                    let seq = sent["seq"].as_u64().expect("a seq");
                    answered.borrow_mut().entry(chat).or_default().push(seq);
                }
            })
        });
        let tasks: Vec<_> = tasks.collect();
        while answered.borrow().values().map(Vec::len).sum::<usize>() < 500 {
            tokio::task::yield_now().await;
        }
        node.terminate();
        for task in tasks {
            task.await.expect("a sender");
        }
    });
    run.await;
    assert_eq!(node.ended().code(), Some(0));
    node.restart();
    bob.reconnect().await;
    for (chat, answered) in &answered.take() {
        let mut kept = Vec::new();
        while let Some(page) = page_before(&bob, chat, kept.first().copied()).await {
            kept.splice(0..0, page);
        }
        println!("{chat}: {} answered, {} kept", answered.len(), kept.len());
        assert!(answered.iter().all(|seq| kept.contains(seq)), "{chat}: {answered:?}, kept are {kept:?}");
    }
}

/// The seqs of the hundred messages before one; none when there are none.
async fn page_before(person: &Person, chat: &str, before: Option<u64>) -> Option<Vec<u64>> {
    let before = before.map(|seq| format!("&before={seq}")).unwrap_or_default();
    let page = person.granted(Call::get(format!("/v1/chats/{chat}/messages?limit=100{before}"))).await;
    let messages = page["messages"].as_array()?.iter();
    let seqs: Vec<u64> = messages.filter_map(|message| message["seq"].as_u64()).collect();
    (!seqs.is_empty()).then_some(seqs)
}
