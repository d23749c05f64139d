//! Ways of damaging a recording. The first ones are as if the network did it: the device's revisions no longer fit. The others
//! are as if the server did it: every revision fits, and only who was told what when gives it away.

use serde_json::{Map, Value, json};

use super::recording::{Files, Somebody, Told, each};

/// One way, and what must be said of it.
pub(crate) struct Damage {
    pub(crate) what: &'static str,
    pub(crate) breaks: &'static str,
    pub(crate) words: &'static str,
    pub(crate) deal: fn(&mut Files, &Told),
}

pub(crate) const DAMAGES: &[Damage] = &[
    Damage { what: "an operation is dropped", breaks: "H1", words: "received", deal: drop_one },
    Damage { what: "an operation comes twice", breaks: "H1", words: "received", deal: double },
    Damage { what: "two operations are swapped", breaks: "H1", words: "received", deal: swap },
    Damage { what: "a revision is skipped", breaks: "H1", words: "received", deal: skip_a_revision },
    Damage { what: "a text is changed for one member", breaks: "H2", words: "for others", deal: retell },
    Damage { what: "a history has another text", breaks: "H2", words: "has (", deal: rewrite_history },
    Damage { what: "a log lacks an event", breaks: "H3", words: "is not in the log of", deal: never_write },
    Damage { what: "a log has an event twice", breaks: "H3", words: "again at", deal: write_twice },
    Damage { what: "a log has two events the other way round", breaks: "H5", words: "after", deal: exchange },
    Damage {
        what: "somebody who is no member receives",
        breaks: "H3",
        words: "whom it does not concern",
        deal: tell_an_outsider,
    },
    Damage {
        what: "a history has lost a message",
        breaks: "H3",
        words: "is not in the history of",
        deal: lose_from_history,
    },
    Damage {
        what: "one member sees fewer members",
        breaks: "H8",
        words: "its events left",
        deal: hide_a_member,
    },
    Damage {
        what: "what was acknowledged is another message",
        breaks: "H3",
        words: "was acknowledged as seq",
        deal: acknowledge_another,
    },
    Damage { what: "a read mark went back", breaks: "H6", words: "the mark is at", deal: forget_reading },
];

fn drop_one(files: &mut Files, told: &Told) {
    files.replace(
        &told.member.device,
        |one| if one["revision"] == told.revision { vec![] } else { vec![one] },
    );
}

fn double(files: &mut Files, told: &Told) {
    files.replace(&told.member.device, |one| {
        if one["revision"] == told.revision { vec![one.clone(), one] } else { vec![one] }
    });
}

/// The operation and the next one, each as it is.
fn swap(files: &mut Files, told: &Told) {
    let [this, next] = both(files, told);
    files.replace(&told.member.device, |one| {
        let revision = one["revision"].as_u64().expect("a revision");
        match revision.checked_sub(told.revision) {
            Some(0) => vec![next.clone()],
            Some(1) => vec![this.clone()],
            _ => vec![one],
        }
    });
}

fn both(files: &Files, told: &Told) -> [Value; 2] {
    let all = files.operations(&told.member.device);
    let at = all.iter().position(|one| one["revision"] == told.revision).expect("it is there");
    [all[at].clone(), all[at + 1].clone()]
}

fn skip_a_revision(files: &mut Files, told: &Told) {
    files.replace(&told.member.device, |mut one| {
        let revision = one["revision"].as_u64().expect("a revision");
        if revision >= told.revision {
            one["revision"] = json!(revision + 1);
        }
        vec![one]
    });
}

fn retell(files: &mut Files, told: &Told) {
    files.replace(&told.member.device, |mut one| {
        if one["revision"] == told.revision {
            one["payload"]["message"]["content"]["text"] = json!("something else");
        }
        vec![one]
    });
}

/// What the end has of the message: in its pages of history, and in those of its snapshot.
fn messages(files: &mut Files, told: &Told, mut change: impl FnMut(&mut Vec<Value>)) {
    for line in files.0.get_mut(&told.member.fresh).expect("an ending") {
        each(line, &mut |object| {
            if object.get("chat") == Some(&json!(told.chat))
                && let Some(messages) = object.get_mut("messages").and_then(Value::as_array_mut)
            {
                change(messages);
            }
        });
    }
}

fn rewrite_history(files: &mut Files, told: &Told) {
    messages(files, told, |messages| {
        for message in messages.iter_mut().filter(|message| message["seq"] == told.seq) {
            message["content"]["text"] = json!("something else");
        }
    });
}

fn lose_from_history(files: &mut Files, told: &Told) {
    messages(files, told, |messages| messages.retain(|message| message["seq"] != told.seq));
}

/// Every revision of somebody that is above this one is moved, wherever it is said.
fn renumber(files: &mut Files, one: &Somebody, above: u64, by: i64) {
    let mut moved = |object: &mut Map<String, Value>| {
        let revision = object.get("revision").and_then(Value::as_u64).filter(|revision| *revision > above);
        if let Some(revision) = revision {
            object.insert("revision".to_owned(), json!(revision.saturating_add_signed(by)));
        }
    };
    files.of(one).for_each(|line| each(line, &mut moved));
}

fn never_write(files: &mut Files, told: &Told) {
    drop_one(files, told);
    renumber(files, &told.member, told.revision, -1);
}

fn write_twice(files: &mut Files, told: &Told) {
    renumber(files, &told.member, told.revision, 1);
    insert_after(files, &told.member, told.revision, &told.operation);
}

fn tell_an_outsider(files: &mut Files, told: &Told) {
    let first = files.operations(&told.outsider.device)[0]["revision"].as_u64().expect("a revision");
    renumber(files, &told.outsider, first, 1);
    insert_after(files, &told.outsider, first, &told.operation);
}

fn insert_after(files: &mut Files, one: &Somebody, revision: u64, operation: &Value) {
    let mut inserted = operation.clone();
    inserted["revision"] = json!(revision + 1);
    files.replace(&one.device, |one| {
        if one["revision"] == revision { vec![one, inserted.clone()] } else { vec![one] }
    });
}

/// The operation and the next one, each with the revision and the tag of the other.
fn exchange(files: &mut Files, told: &Told) {
    let [this, next] = both(files, told);
    let with = |mut one: Value, place: &Value| {
        for name in ["revision", "tag"] {
            one[name] = place[name].clone();
        }
        one
    };
    let (first, second) = (with(next.clone(), &this), with(this.clone(), &next));
    files.replace(&told.member.device, |one| match () {
        () if one["revision"] == this["revision"] => vec![first.clone()],
        () if one["revision"] == next["revision"] => vec![second.clone()],
        () => vec![one],
    });
}

fn hide_a_member(files: &mut Files, told: &Told) {
    let account = json!(told.member.account);
    for line in files.0.get_mut(&told.member.fresh).expect("an ending") {
        each(line, &mut |object| {
            if object.get("chat") == Some(&json!(told.chat))
                && let Some(members) = object.get_mut("members").and_then(Value::as_array_mut)
            {
                let other = members
                    .iter()
                    .position(|member| member["account"] != account && member["membership"] == "joined");
                other.map(|other| members.remove(other));
            }
        });
    }
}

fn acknowledge_another(files: &mut Files, told: &Told) {
    for send in files.0.get_mut("sends.ndjson").expect("sends") {
        if send["answer"]["chat"] == told.chat && send["answer"]["seq"] == told.seq {
            send["request"]["message"]["text"] = json!("something else");
        }
    }
}

/// Somebody's furthest mark in a chat that they are in still.
fn forget_reading(files: &mut Files, _: &Told) {
    let reads: Vec<Value> =
        files.0["changes.ndjson"].iter().filter(|change| change["change"] == "read").cloned().collect();
    for read in reads.iter().filter(|read| read["status"] == 200) {
        let fresh = format!("fresh/{}.ndjson", read["account"].as_str().expect("an account"));
        let mut forgot = false;
        for line in files.0.get_mut(&fresh).expect("an ending") {
            each(line, &mut |object| {
                if object.get("chat") == Some(&read["answer"]["chat"])
                    && let Some(standing) = object.get_mut("standing")
                {
                    standing["read"] = json!(0);
                    forgot = true;
                }
            });
        }
        if forgot {
            return;
        }
    }
}
