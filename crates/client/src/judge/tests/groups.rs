//! A group of three in which people come, go and come again: a recording that keeps every guarantee, then doctored.

mod lost;

use serde_json::{Value, json};

use super::super::event::event;
use super::{Device, Recording, page, position, stored};

const ANN: &str = "U-ann";
const BOB: &str = "U-bob";
const CID: &str = "U-cid";
const ALL: &[&str] = &[ANN, BOB, CID];
const GROUP: &str = "C-group";
const EMOJI: &str = "🐻";

/// Something that happened in the group, and who was told.
struct Event {
    seq: u64,
    by: &'static str,
    /// The operation of the one who did it, and of the others.
    kinds: (&'static str, &'static str),
    payload: Value,
    told: &'static [&'static str],
}

fn change(seq: u64, by: &'static str, kinds: (&'static str, &'static str), members: &Value) -> Event {
    let payload = json!({ "chat": GROUP, "seq": seq, "by": by, "members": members });
    Event { seq, by, kinds, payload, told: ALL }
}

fn member(account: &str, membership: &str, version: u64) -> Value {
    json!({ "account": account, "membership": membership, "version": version, "read": 0 })
}

fn said(seq: u64, by: &'static str, told: &'static [&'static str]) -> Event {
    let payload = json!({ "message": message(seq, by) });
    Event { seq, by, kinds: ("SEND_MESSAGE", "RECEIVE_MESSAGE"), payload, told }
}

fn about(seq: u64, by: &'static str, target: u64, told: &'static [&'static str]) -> Event {
    let payload = json!({ "chat": GROUP, "seq": target, "account": by, "emoji": EMOJI, "version": seq });
    Event { seq, by, kinds: ("SEND_REACTION", "NOTIFIED_SEND_REACTION"), payload, told }
}

fn message(seq: u64, by: &str) -> Value {
    let text = format!("message {seq}");
    json!({ "chat": GROUP, "seq": seq, "sender": by, "sent_at": 1, "content": { "type": "text", "text": text } })
}

/// Bob leaves at 8 and is back at 11: what is said at 9, and the reaction to that at 13, is none of his.
fn events() -> Vec<Event> {
    let accept = ("ACCEPT_CHAT_INVITATION", "NOTIFIED_ACCEPT_CHAT_INVITATION");
    let founders = [member(ANN, "joined", 1), member(BOB, "invited", 1), member(CID, "invited", 1)];
    let mut rename = change(5, ANN, ("UPDATE_CHAT", "NOTIFIED_UPDATE_CHAT"), &json!([]));
    rename.payload["title"] = json!({ "name": "bears", "join": "invite" });
    let taken_back = json!({ "chat": GROUP, "seq": 6, "version": 14 });
    let unsend = ("UNSEND_MESSAGE", "NOTIFIED_UNSEND_MESSAGE");
    vec![
        change(1, ANN, ("CREATE_CHAT", "NOTIFIED_INVITE_INTO_CHAT"), &json!(founders)),
        change(2, BOB, accept, &json!([member(BOB, "joined", 2)])),
        said(3, ANN, &[ANN, BOB]),
        change(4, CID, accept, &json!([member(CID, "joined", 4)])),
        rename,
        said(6, BOB, ALL),
        about(7, CID, 6, ALL),
        change(
            8,
            BOB,
            ("DELETE_SELF_FROM_CHAT", "NOTIFIED_DELETE_SELF_FROM_CHAT"),
            &json!([member(BOB, "gone", 8)]),
        ),
        said(9, ANN, &[ANN, CID]),
        change(
            10,
            ANN,
            ("INVITE_INTO_CHAT", "NOTIFIED_INVITE_INTO_CHAT"),
            &json!([member(BOB, "invited", 10)]),
        ),
        change(11, BOB, accept, &json!([member(BOB, "joined", 11)])),
        said(12, ANN, ALL),
        about(13, CID, 9, &[ANN, CID]),
        Event { seq: 14, by: BOB, kinds: unsend, payload: taken_back, told: ALL },
    ]
}

/// Those in the group, or invited, after an event.
fn state(seq: u64) -> Value {
    let bob = match seq {
        ..2 => member(BOB, "invited", 1),
        2..10 => member(BOB, "joined", 2),
        10 => member(BOB, "invited", 10),
        _ => member(BOB, "joined", 11),
    };
    let cid = if seq < 4 { member(CID, "invited", 1) } else { member(CID, "joined", 4) };
    let name = if seq < 5 { "made" } else { "bears" };
    let members = [member(ANN, "joined", 1), bob, cid];
    json!({ "chat": GROUP, "kind": "group", "name": name, "join": "invite", "version": 1, "members": members })
}

/// What an account is told, from revision 2 on.
fn log(whose: &str) -> Vec<Value> {
    let (mut n, mut operations) = (0, Vec::new());
    for Event { seq, by, kinds, mut payload, told } in events() {
        if !told.contains(&whose) {
            continue;
        }
        let kind = if by == whose { kinds.0 } else { kinds.1 };
        match kind {
            "SEND_MESSAGE" => payload["key"] = json!(format!("20261124-{seq}")),
            "RECEIVE_MESSAGE" => {
                n += 1;
                payload["n"] = json!(n);
            }
            _ => {}
        }
        let members = payload["members"].as_array().cloned().unwrap_or_default();
        if let Some(mine) = members.iter().find(|member| member["account"] == whose) {
            let membership = &mine["membership"];
            payload["standing"] = json!({ "membership": membership, "n": n, "read": 0, "read_n": 0 });
            if membership != "gone" {
                payload["state"] = state(seq);
            }
        }
        operations.push((kind, payload));
    }
    if whose == BOB {
        operations.push(("SEND_CHAT_CHECKED", json!({ "chat": GROUP, "seq": 12, "read_n": 2 })));
    }
    let operation = |(revision, (kind, payload)): (u64, (&str, Value))| {
        json!({
            "revision": revision, "tag": format!("tag {revision}"), "category": "chats", "created_at": 1,
            "type": kind, "payload": payload,
        })
    };
    (2..).zip(operations).map(operation).collect()
}

fn device(device: &'static str, account: &'static str) -> Device {
    let frame =
        json!({ "frame": "operations", "log_id": format!("L-{account}"), "operations": log(account) });
    let lines = vec![
        page(account, 1, "messages", &json!([])),
        stored(account, 1),
        json!({ "at": 1, "what": "frame", "frame": frame }),
    ];
    Device { device, account, lines }
}

fn history(whose: &str) -> Vec<Value> {
    let mut messages = Vec::new();
    for (seq, by) in [(3, ANN), (6, BOB), (9, ANN), (12, ANN)] {
        let unseen = (whose == CID && seq == 3) || (whose == BOB && seq == 9);
        if unseen {
            continue;
        }
        let mut message = message(seq, by);
        if seq == 6 {
            message.as_object_mut().unwrap().remove("content");
            message["unsent"] = json!(14);
        }
        if seq == 9 {
            message["reactions"] = json!([{ "account": CID, "emoji": EMOJI, "version": 13 }]);
        }
        if by == whose {
            message["key"] = json!(format!("20261124-{seq}"));
        }
        messages.push(message);
    }
    messages
}

fn fresh(whose: &str) -> Vec<Value> {
    let end = log(whose).len() as u64 + 1;
    let (n, read, read_n) = match whose {
        ANN => (1, 0, 0),
        BOB => (2, 12, 2),
        _ => (3, 0, 0),
    };
    let mut chat = state(14);
    chat["standing"] =
        json!({ "membership": "joined", "version": 0, "n": n, "read": read, "read_n": read_n });
    let history = json!({ "chat": GROUP, "messages": history(whose), "complete_from": 1 });
    vec![
        page(whose, end, "chats", &json!([chat])),
        page(whose, end, "messages", &json!([history])),
        stored(whose, end),
        json!({ "at": 1, "what": "history", "page": history }),
    ]
}

fn recording() -> Recording {
    let (mut sends, mut changes) = (Vec::new(), Vec::new());
    for Event { seq, by, kinds, .. } in events() {
        let key = format!("20261124-{seq}");
        let answer = json!({ "chat": GROUP, "seq": seq, "sent_at": 1 });
        let mut line =
            json!({ "at": 1, "account": by, "device": "D", "key": key, "status": 200, "answer": answer });
        if kinds.0 == "SEND_MESSAGE" {
            let message = json!({ "type": "text", "text": format!("message {seq}") });
            line["request"] = json!({ "to": GROUP, "message": message });
            sends.push(line);
        } else {
            line["change"] = json!(kinds.0);
            changes.push(line);
        }
    }
    changes.push(json!({
        "at": 1, "account": BOB, "device": "D", "key": "20261124-read", "change": "read", "status": 200,
        "answer": { "chat": GROUP, "seq": 12, "unread": 0 },
    }));
    Recording {
        devices: vec![device("D1", ANN), device("D2", BOB), device("D3", CID)],
        sends,
        changes: Some(changes),
        fresh: [ANN, BOB, CID].map(|whose| (whose, fresh(whose))).into(),
    }
}

fn found(doctor: impl FnOnce(&mut Recording)) -> (Vec<&'static str>, Vec<String>) {
    let mut recording = recording();
    doctor(&mut recording);
    let verdict = recording.judge();
    (verdict.counts.into_keys().collect(), verdict.first)
}

fn operations(recording: &mut Recording, device: usize) -> &mut Vec<Value> {
    recording.devices[device].lines[2]["frame"]["operations"].as_array_mut().unwrap()
}

/// As if the account had never been told of this event: its log closes up, and its end with it.
fn forget(recording: &mut Recording, device: usize, seq: u64) {
    let whose = recording.devices[device].account;
    let operations = operations(recording, device);
    operations.retain(|operation| event(operation).is_none_or(|event| event.seq != seq));
    for (revision, operation) in (2..).zip(operations.iter_mut()) {
        (operation["revision"], operation["tag"]) = (json!(revision), json!(format!("tag {revision}")));
    }
    let end = operations.len() as u64 + 1;
    let lines = recording.fresh.get_mut(whose).unwrap();
    lines[2]["position"] = position(whose, end);
}

fn kept<'a>(recording: &'a mut Recording, whose: &str) -> &'a mut Vec<Value> {
    recording.fresh.get_mut(whose).unwrap()[3]["page"]["messages"].as_array_mut().unwrap()
}

#[test]
fn people_who_come_and_go_break_nothing_and_all_of_it_was_looked_at() {
    let verdict = recording().judge();
    assert_eq!(verdict.first, Vec::<String>::new());
    let seen = verdict.looked_at;
    assert_eq!((seen.groups, seen.events, seen.changes, seen.acknowledged), (1, 14, 11, 4));
}

#[test]
fn a_message_that_one_member_was_never_told_of_breaks_h3() {
    let (broken, words) = found(|it| {
        forget(it, 2, 12);
        kept(it, CID).retain(|message| message["seq"] != 12);
    });
    assert!(broken.contains(&"H3"), "{words:?}");
    let told = |part: &str| words.iter().any(|words| words.contains(part));
    assert!(told("seq 12 of C-group, Message, is not in the log of U-cid"), "{words:?}");
    assert!(told("the acknowledged seq 12 of C-group is not in the history of U-cid"), "{words:?}");
}

#[test]
fn every_event_that_a_member_was_not_told_of_breaks_h3() {
    for (seq, device, whose) in
        [(1, 2, CID), (5, 1, BOB), (7, 0, ANN), (10, 2, CID), (13, 0, ANN), (14, 2, CID)]
    {
        let (_, words) = found(|it| forget(it, device, seq));
        let wanted = format!("H3: seq {seq} of C-group,");
        let told = words.iter().any(|words| words.starts_with(&wanted) && words.ends_with(whose));
        assert!(told, "{seq}: {words:?}");
    }
}

#[test]
fn whoever_joined_later_lacks_nothing_from_before() {
    // Had they been told of what came before their join, it would be found by the history that they should not have.
    let (broken, words) = found(|it| {
        let before = message(3, ANN);
        kept(it, CID).insert(0, before);
    });
    assert!(broken.is_empty(), "more than one must see is no loss: {words:?}");
}

#[test]
fn a_message_of_an_earlier_stay_that_is_gone_after_the_return_breaks_h3() {
    let (broken, words) = found(|it| kept(it, BOB).retain(|message| message["seq"] != 3));
    assert_eq!(broken, ["H3"], "{words:?}");
}

#[test]
fn a_message_that_says_something_else_than_was_acknowledged_breaks_h3() {
    let (broken, words) = found(|it| kept(it, CID)[2]["content"]["text"] = json!("another"));
    assert!(broken.contains(&"H3"), "{words:?}");
}

#[test]
fn an_event_that_is_one_thing_for_one_and_another_for_others_breaks_h2() {
    let (broken, words) =
        found(|it| operations(it, 2)[3]["payload"]["members"] = json!([member(BOB, "gone", 5)]));
    assert!(broken.contains(&"H2"), "{words:?}");
}

#[test]
fn events_that_are_told_against_their_order_break_h5() {
    let (broken, words) = found(|it| {
        let operations = operations(it, 0);
        let (first, second) = (operations[3].clone(), operations[4].clone());
        for name in ["type", "payload"] {
            (operations[3][name], operations[4][name]) = (second[name].clone(), first[name].clone());
        }
    });
    assert!(broken.contains(&"H5"), "{words:?}");
}

#[test]
fn an_acknowledged_change_that_no_log_has_breaks_h3() {
    let (broken, words) = found(|it| {
        let answer = json!({ "chat": GROUP, "seq": 15 });
        let changes = it.changes.as_mut().unwrap();
        changes.push(json!({ "account": ANN, "change": "rename", "status": 200, "answer": answer }));
    });
    assert_eq!(broken, ["H3"], "{words:?}");
}

#[test]
fn an_event_that_is_missing_from_every_log_breaks_h3() {
    let (broken, words) = found(|it| {
        it.changes.as_mut().unwrap().retain(|change| change["answer"]["seq"] != 5);
        (0..3).for_each(|device| forget(it, device, 5));
    });
    assert!(broken.contains(&"H3"), "{words:?}");
    assert!(words.iter().any(|words| words.contains("seq 5 of C-group is in no log, 6 is")), "{words:?}");
}

#[test]
fn a_read_mark_that_went_back_breaks_h6() {
    let (broken, _) =
        found(|it| it.fresh.get_mut(BOB).unwrap()[0]["page"]["items"][0]["standing"]["read"] = json!(9));
    assert_eq!(broken, ["H6", "H8"]);
}

#[test]
fn members_who_do_not_see_the_same_members_break_h8() {
    let (broken, words) = found(|it| {
        let members = &mut it.fresh.get_mut(CID).unwrap()[0]["page"]["items"][0]["members"];
        members[1] = member(BOB, "invited", 10);
    });
    assert!(broken.contains(&"H8"), "{words:?}");
    assert!(words.iter().any(|words| words.contains("U-cid sees other members")), "{words:?}");
}

#[test]
fn a_group_that_was_made_before_anybody_watched_is_not_judged_by_its_members() {
    let mut recording = recording();
    let chat = json!([{ "chat": GROUP, "kind": "group", "members": [], "standing": {} }]);
    for device in &mut recording.devices {
        let whose = device.account;
        device.lines.insert(0, page(whose, 1, "chats", &chat));
    }
    for device in 0..3 {
        let whose = recording.devices[device].account;
        let operations = recording.devices[device].lines[3]["frame"]["operations"].as_array_mut().unwrap();
        operations.remove(0);
        for (revision, operation) in (2..).zip(operations.iter_mut()) {
            (operation["revision"], operation["tag"]) = (json!(revision), json!(format!("tag {revision}")));
        }
        let end = operations.len() as u64 + 1;
        recording.fresh.get_mut(whose).unwrap()[2]["position"] = position(whose, end);
    }
    recording.changes.as_mut().unwrap().remove(0);
    let verdict = recording.judge();
    assert_eq!(
        (verdict.looked_at.groups, verdict.counts.contains_key("H3")),
        (0, false),
        "{:?}",
        verdict.first
    );
}
