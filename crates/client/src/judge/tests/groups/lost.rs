//! What was acknowledged and is nowhere.

use super::*;

#[test]
fn a_message_that_its_sender_lost_breaks_h3_also_where_nobody_was_told_of_what_was_before() {
    let mut recording = recording();
    kept(&mut recording, ANN).retain(|message| message["seq"] != 12);
    let messages = recording.fresh.get_mut(ANN).unwrap()[1].pointer_mut("/page/items/0/messages");
    messages.unwrap().as_array_mut().unwrap().retain(|message| message["seq"] != 12);
    for device in 0..3 {
        let whose = recording.devices[device].account;
        let before = |operation: &Value| event(operation).is_some_and(|event| event.seq < 9);
        operations(&mut recording, device).retain(before);
        let pages = recording.fresh[whose][..3].to_vec();
        recording.devices[device].lines.extend(pages);
    }
    let verdict = recording.judge();
    assert!(verdict.counts.contains_key("H3"), "{:?}", verdict.first);
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
