//! A recording that keeps every guarantee, then the same with one thing doctored: each is caught by name.

mod groups;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Verdict, judge};

const BROWN: &str = "U-brown";
const CONY: &str = "U-cony";
const CHAT: &str = "C-brown-cony";

fn message(seq: u64) -> Value {
    let text = format!("message {seq}");
    json!({ "chat": CHAT, "seq": seq, "sender": BROWN, "sent_at": 1, "content": { "type": "text", "text": text } })
}

fn with_key(seq: u64) -> Value {
    let mut message = message(seq);
    message["key"] = json!(format!("20261124-{seq}"));
    message
}

fn position(whose: &str, revision: u64) -> Value {
    json!({ "log_id": format!("L-{whose}"), "revision": revision, "tag": format!("tag {revision}") })
}

/// Brown sends, Cony receives; revision 1 is older than both devices.
fn operation(whose: &str, seq: u64) -> Value {
    let revision = seq + 1;
    let (kind, payload) = if whose == BROWN {
        let key = format!("20261124-{seq}");
        ("SEND_MESSAGE", json!({ "message": message(seq), "key": key, "device": "D", "peer": CONY }))
    } else {
        ("RECEIVE_MESSAGE", json!({ "message": message(seq), "n": seq, "peer": BROWN }))
    };
    json!({
        "revision": revision, "tag": format!("tag {revision}"), "category": "messages", "created_at": 1,
        "type": kind, "payload": payload,
    })
}

fn frame(whose: &str, seqs: &[u64]) -> Value {
    let operations: Vec<_> = seqs.iter().map(|seq| operation(whose, *seq)).collect();
    let frame = json!({ "frame": "operations", "log_id": format!("L-{whose}"), "operations": operations });
    json!({ "at": 1, "what": "frame", "frame": frame })
}

fn page(whose: &str, revision: u64, category: &str, items: &Value) -> Value {
    let page = json!({ "category": category, "position": position(whose, revision), "items": items });
    json!({ "at": 1, "what": "page", "category": category, "page": page })
}

fn stored(whose: &str, revision: u64) -> Value {
    json!({ "at": 1, "what": "stored", "position": position(whose, revision) })
}

/// What one device received.
struct Device {
    device: &'static str,
    account: &'static str,
    lines: Vec<Value>,
}

/// A recording before it is written.
struct Recording {
    devices: Vec<Device>,
    sends: Vec<Value>,
    /// None: there is no such file, as in older recordings.
    changes: Option<Vec<Value>>,
    fresh: BTreeMap<&'static str, Vec<Value>>,
}

impl Recording {
    fn judge(&self) -> Verdict {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, lines: &[Value]| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        };
        fs::create_dir_all(directory.path().join("fresh")).unwrap();
        for Device { device, account, lines } in &self.devices {
            let first = json!({ "at": 1, "what": "device", "account": account, "device": device });
            write(&format!("devices/{device}.ndjson"), &[vec![first], lines.clone()].concat());
        }
        write("sends.ndjson", &self.sends);
        self.changes.iter().for_each(|changes| write("changes.ndjson", changes));
        self.fresh.iter().for_each(|(account, lines)| write(&format!("fresh/{account}.ndjson"), lines));
        judge(directory.path()).unwrap()
    }
}

fn device(device: &'static str, account: &'static str) -> Device {
    let lines = vec![
        page(account, 1, "messages", &json!([])),
        stored(account, 1),
        frame(account, &[1, 2]),
        frame(account, &[3]),
    ];
    Device { device, account, lines }
}

fn fresh(whose: &str) -> Vec<Value> {
    let shown = |seq| if whose == BROWN { with_key(seq) } else { message(seq) };
    let n = if whose == BROWN { 0 } else { 3 };
    let standing = json!({ "membership": "joined", "version": 0, "n": n, "read": 0, "read_n": 0 });
    let messages: Vec<_> = (1..=3).map(shown).collect();
    let history = json!({ "chat": CHAT, "messages": messages, "complete_from": 1 });
    vec![
        page(whose, 4, "chats", &json!([{ "chat": CHAT, "kind": "direct", "standing": standing }])),
        page(whose, 4, "messages", &json!([history])),
        stored(whose, 4),
        json!({ "at": 1, "what": "history", "page": history }),
    ]
}

fn send(seq: u64) -> Value {
    json!({
        "at": 1, "account": BROWN, "device": "D1", "key": format!("20261124-{seq}"), "status": 200, "attempts": 1,
        "request": { "to": CONY, "message": { "type": "text", "text": format!("message {seq}") } },
        "answer": { "chat": CHAT, "seq": seq, "sent_at": 1 },
    })
}

/// Two people, three messages, three devices.
fn recording() -> Recording {
    Recording {
        devices: vec![device("D1", BROWN), device("D2", CONY), device("D3", CONY)],
        sends: vec![send(1), send(2), send(3)],
        changes: None,
        fresh: [BROWN, CONY].map(|whose| (whose, fresh(whose))).into(),
    }
}

fn found(doctor: impl FnOnce(&mut Recording)) -> Vec<&'static str> {
    let mut recording = recording();
    doctor(&mut recording);
    recording.judge().counts.into_keys().collect()
}

/// The operations of a line.
fn operations(line: &mut Value) -> &mut Vec<Value> {
    line["frame"]["operations"].as_array_mut().unwrap()
}

/// The messages of the last history of an account.
fn history<'a>(recording: &'a mut Recording, whose: &str) -> &'a mut Vec<Value> {
    let lines = recording.fresh.get_mut(whose).unwrap();
    lines.last_mut().unwrap()["page"]["messages"].as_array_mut().unwrap()
}

#[test]
fn a_recording_that_keeps_everything_is_clean_and_all_of_it_was_looked_at() {
    let Verdict { counts, first, looked_at } = recording().judge();
    assert_eq!((counts.len(), first), (0, Vec::<String>::new()));
    assert_eq!((looked_at.devices, looked_at.operations, looked_at.acknowledged), (3, 9, 3));
    assert_eq!((looked_at.messages, looked_at.copies, looked_at.full_syncs), (6, 3, 3));
}

#[test]
fn a_skipped_revision_breaks_h1() {
    let skipped = found(|it| drop(operations(&mut it.devices[1].lines[2]).remove(0)));
    assert!(skipped.contains(&"H1"), "{skipped:?}");
}

#[test]
fn a_revision_sent_twice_breaks_h1() {
    let twice = found(|it| {
        let again = it.devices[1].lines[3].clone();
        it.devices[1].lines.push(again);
    });
    assert!(twice.contains(&"H1"), "{twice:?}");
}

#[test]
fn a_full_sync_that_goes_back_breaks_h1() {
    let back = found(|it| {
        let lines = &mut it.devices[1].lines;
        lines.extend([stored(CONY, 2), frame(CONY, &[2, 3])]);
    });
    assert!(back.contains(&"H1"), "{back:?}");
}

#[test]
fn two_payloads_at_one_revision_break_h2() {
    let other = found(|it| operations(&mut it.devices[2].lines[3])[0]["payload"]["n"] = json!(9));
    assert!(other.contains(&"H2"), "{other:?}");
    let tag = found(|it| operations(&mut it.devices[2].lines[2])[0]["tag"] = json!("another"));
    assert!(tag.contains(&"H2"), "{tag:?}");
}

#[test]
fn a_message_taken_back_in_between_is_no_second_payload() {
    let taken_back = found(|it| {
        let message = &mut operations(&mut it.devices[2].lines[3])[0]["payload"]["message"];
        message.as_object_mut().unwrap().remove("content");
        message["unsent"] = json!(4);
    });
    assert!(!taken_back.contains(&"H2"), "{taken_back:?}");
}

#[test]
fn an_acknowledged_send_that_is_lost_to_the_receiver_breaks_h3() {
    let lost = found(|it| {
        // As if the receiver had never been told: the log goes on without it, the history has it not.
        for device in &mut it.devices[1..] {
            device.lines.pop();
        }
        let lines = it.fresh.get_mut(CONY).unwrap();
        lines[2] = stored(CONY, 3);
        history(it, CONY).pop();
    });
    assert!(lost.contains(&"H3"), "{lost:?}");
}

#[test]
fn an_acknowledged_send_that_no_operation_told_of_breaks_h3_though_the_history_has_it() {
    let untold = found(|it| {
        for device in &mut it.devices[1..] {
            operations(&mut device.lines[3])[0]["type"] = json!("NOTIFIED_SOMETHING");
        }
    });
    assert!(untold.contains(&"H3"), "{untold:?}");
}

#[test]
fn a_message_that_stands_twice_breaks_h3() {
    let doubled = found(|it| {
        let mut again = message(3);
        again["seq"] = json!(4);
        history(it, CONY).push(again);
    });
    assert!(doubled.contains(&"H3"), "{doubled:?}");
}

#[test]
fn an_unacknowledged_send_may_stand_once_but_not_twice() {
    let unanswered = |it: &mut Recording| {
        it.sends[2]["status"] = Value::Null;
        it.sends[2]["answer"] = Value::Null;
    };
    assert_eq!(found(unanswered), Vec::<&str>::new());
    let twice = found(|it| {
        unanswered(it);
        let mut again = message(3);
        again["seq"] = json!(4);
        history(it, BROWN).push(again);
    });
    assert_eq!(twice, ["H3"]);
}

#[test]
fn a_second_seq_under_one_key_breaks_h4() {
    let fresh_seq = found(|it| it.sends[1]["answer"]["seq"] = json!(9));
    assert!(fresh_seq.contains(&"H4"), "{fresh_seq:?}");
    let echoed =
        found(|it| operations(&mut it.devices[0].lines[3])[0]["payload"]["key"] = json!("20261124-2"));
    assert!(echoed.contains(&"H4"), "{echoed:?}");
}

#[test]
fn seqs_that_fall_while_revisions_rise_break_h5() {
    let swapped = found(|it| {
        for device in &mut it.devices {
            let both = operations(&mut device.lines[2]);
            let (first, second) = (both[0]["payload"].clone(), both[1]["payload"].clone());
            (both[0]["payload"], both[1]["payload"]) = (second, first);
        }
    });
    assert!(swapped.contains(&"H5"), "{swapped:?}");
}

#[test]
fn a_pushed_message_that_is_gone_or_changed_at_the_end_breaks_h6() {
    let gone = found(|it| drop(history(it, CONY).remove(1)));
    assert!(gone.contains(&"H6"), "{gone:?}");
    let changed = found(|it| history(it, CONY)[1]["content"]["text"] = json!("another"));
    assert!(changed.contains(&"H6"), "{changed:?}");
}

#[test]
fn a_head_beyond_the_end_breaks_h6() {
    let heartbeat = json!({ "frame": "heartbeat", "head": position(CONY, 5), "date": 20_261_124 });
    let beyond =
        found(|it| it.devices[1].lines.push(json!({ "at": 1, "what": "frame", "frame": heartbeat })));
    assert_eq!(beyond, ["H6"]);
}

#[test]
fn a_server_that_lost_the_thread_breaks_h6_and_a_hole_breaks_h7() {
    let told = |reason: &str| {
        let frame = json!({ "frame": "full_sync", "reason": reason, "position": position(CONY, 4) });
        found(|it| it.devices[1].lines.push(json!({ "at": 1, "what": "frame", "frame": frame })))
    };
    assert_eq!(told("continuity"), ["H6"]);
    assert_eq!(told("hole"), ["H7"]);
    assert_eq!(told("gap"), Vec::<&str>::new());
}

#[test]
fn a_copy_that_differs_from_a_fresh_one_breaks_h8() {
    let counts =
        found(|it| it.fresh.get_mut(CONY).unwrap()[0]["page"]["items"][0]["standing"]["n"] = json!(4));
    assert_eq!(counts, ["H8"]);
    let behind = found(|it| drop(it.devices[2].lines.pop()));
    assert_eq!(behind, ["H8"]);
    let contact =
        page(CONY, 4, "contacts", &json!([{ "account": BROWN, "relation": "added", "version": 2 }]));
    assert_eq!(found(|it| it.fresh.get_mut(CONY).unwrap().insert(0, contact)), ["H8"]);
    let setting = page(CONY, 4, "settings", &json!([{ "key": "k", "value": "1", "version": 2 }]));
    assert_eq!(found(|it| it.fresh.get_mut(CONY).unwrap().insert(0, setting)), ["H8"]);
}

#[test]
fn an_account_without_an_end_is_not_passed_over() {
    let missing = found(|it| drop(it.fresh.remove(CONY)));
    assert!(["H6", "H8"].iter().all(|name| missing.contains(name)), "{missing:?}");
}

#[test]
fn violations_name_device_log_and_revision() {
    let mut doctored = recording();
    operations(&mut doctored.devices[1].lines[2]).remove(0);
    let words = doctored.judge().first;
    assert!(words.iter().any(|words| words.starts_with("H1: D2 received 3 of L-U-cony")), "{words:?}");
}

#[test]
fn a_directory_that_is_no_recording_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(judge(directory.path()).is_err());
    fs::create_dir_all(directory.path().join("devices")).unwrap();
    fs::create_dir_all(directory.path().join("fresh")).unwrap();
    fs::write(directory.path().join("sends.ndjson"), "{\"cut\":").unwrap();
    assert!(judge(directory.path()).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn the_judge_shares_no_code_with_what_it_judges() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("tests.rs") {
            continue;
        }
        files += 1;
        let source = fs::read_to_string(&path).unwrap();
        for foreign in ["crate::", "denrei_", "super::super"] {
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(code.clone().all(|line| !line.contains(foreign)), "{} names {foreign}", path.display());
        }
    }
    assert_eq!(files, 11);
}
