//! What was acknowledged and is nowhere, and what is nowhere and breaks nothing.

use super::*;

/// As if from 9 on nobody had been told of anything, and all had taken snapshots instead.
fn take_snapshots(recording: &mut Recording) {
    for device in 0..3 {
        let whose = recording.devices[device].account;
        let before = |operation: &Value| event(operation).is_some_and(|event| event.seq < 9);
        operations(recording, device).retain(before);
        let pages = recording.fresh[whose][..3].to_vec();
        recording.devices[device].lines.extend(pages);
    }
}

#[test]
fn what_nobody_received_since_all_took_snapshots_breaks_nothing() {
    let mut recording = recording();
    take_snapshots(&mut recording);
    let verdict = recording.judge();
    assert_eq!(verdict.first, Vec::<String>::new());
    assert_eq!((verdict.looked_at.full_syncs, verdict.looked_at.events), (6, 9));
}

#[test]
fn a_message_that_its_sender_lost_breaks_h3_also_where_nobody_was_told_of_what_was_before() {
    let (broken, words) = found(|it| {
        let histories = it.fresh.get_mut(ANN).unwrap();
        for (line, path) in [(1, "/page/items/0/messages"), (3, "/page/messages")] {
            let messages = histories[line].pointer_mut(path).unwrap();
            messages.as_array_mut().unwrap().retain(|message| message["seq"] != 12);
        }
        take_snapshots(it);
    });
    assert!(broken.contains(&"H3"), "{words:?}");
}

#[test]
fn two_messages_that_were_acknowledged_at_one_place_break_h4() {
    let (broken, words) = found(|it| {
        let mut lost = it.sends[1].clone();
        lost["key"] = json!("20261124-lost");
        lost["request"]["message"]["text"] = json!("lost");
        it.sends.insert(1, lost);
    });
    assert!(broken.contains(&"H4"), "{words:?}");
}
