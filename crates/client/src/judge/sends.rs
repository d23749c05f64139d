//! H3, H4, H6: what became of every send.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Verdict;
use super::ending::Ending;
use super::log::{AccountLog, message_of};
use super::recording::{Recording, number, text};

type Logs = HashMap<String, AccountLog>;
type Endings<'a> = HashMap<&'a str, Ending>;

/// An acknowledged send.
struct Acknowledged<'a> {
    sender: &'a str,
    said: &'a str,
    chat: &'a str,
    seq: u64,
}

/// Judges the sends against the histories at the end and the logs in between.
pub(super) fn judge(recording: &Recording, logs: &Logs, verdict: &mut Verdict) {
    let endings: Endings<'_> =
        recording.fresh.iter().map(|(account, pages)| (account.as_str(), Ending::read(pages))).collect();
    verdict.looked_at.messages = endings.values().map(|ending| ending.messages.len() as u64).sum();
    let whole: HashSet<&str> = logs
        .iter()
        .filter(|(account, log)| {
            endings.get(account.as_str()).is_some_and(|ending| log.is_whole(ending.end()))
        })
        .map(|(account, _)| account.as_str())
        .collect();
    keys(recording, logs, verdict);
    let echoed = messages_of(logs);
    for send in &recording.sends {
        let sender = text(send, "account");
        let said = send.pointer("/request/message/text").and_then(Value::as_str).unwrap_or_default();
        let to = send.pointer("/request/to").and_then(Value::as_str).unwrap_or_default();
        let answer = send.get("answer").unwrap_or(&Value::Null);
        let (chat, seq) = (text(answer, "chat"), number(answer, "seq"));
        let parties = parties(sender, to, seq, &endings);
        if number(send, "status") == 200 {
            verdict.looked_at.acknowledged += 1;
            let send = Acknowledged { sender, said, chat, seq };
            for party in &parties {
                arrived(&send, party, &endings, verdict);
                if whole.contains(party) {
                    logged(&send, party, (&echoed, logs), verdict);
                }
            }
        } else {
            verdict.looked_at.unanswered += 1;
        }
        for party in &parties {
            let times =
                endings.get(party).and_then(|ending| ending.texts.get(said)).copied().unwrap_or_default();
            if times > 1 {
                verdict.violated("H3", || format!("{said:?} stands {times} times in the history of {party}"));
            }
        }
    }
    once_in_logs(logs, verdict);
    survived(logs, &endings, verdict);
}

/// Whom a message concerns: sender and receiver, or sender and those who joined the group before.
fn parties<'a>(sender: &'a str, to: &'a str, seq: u64, endings: &'a Endings<'_>) -> Vec<&'a str> {
    let members = endings.get(sender).and_then(|ending| ending.members.get(to));
    let mut parties = vec![sender];
    match members {
        Some(members) => {
            let joined = members.iter().filter(|(account, since)| *account != sender && **since < seq);
            parties.extend(joined.map(|(account, _)| account.as_str()));
        }
        None if to != sender => parties.push(to),
        None => {}
    }
    // Somebody who is not of this recording may be written to as well.
    parties.retain(|party| endings.contains_key(party) || *party == sender);
    parties
}

/// H3 for one acknowledged send and one history.
fn arrived(send: &Acknowledged<'_>, party: &str, endings: &Endings<'_>, verdict: &mut Verdict) {
    let Acknowledged { said, chat, seq, .. } = send;
    let Some(ending) = endings.get(party) else {
        verdict.violated("H3", || format!("there is no history of {party}"));
        return;
    };
    match ending.messages.get(&((*chat).to_owned(), *seq)) {
        None => verdict.violated("H3", || {
            format!("the acknowledged {said:?}, seq {seq} of {chat}, is not in the history of {party}")
        }),
        Some(message) if message.get("unsent").is_none() && said_by(message) != *said => {
            verdict.violated("H3", || {
                format!("seq {seq} of {chat} was acknowledged for {said:?}, {party} has {message}")
            });
        }
        Some(_) => {}
    }
}

/// The type of the operation that carried each message, by account, chat and seq.
type Echoed<'a> = HashMap<(&'a str, &'a str, u64), &'a str>;

fn messages_of(logs: &Logs) -> Echoed<'_> {
    let mut echoed = HashMap::new();
    for (account, log) in logs {
        for operation in log.operations.values() {
            if let Some((chat, seq)) = message_of(operation) {
                echoed.insert((account.as_str(), chat, seq), text(operation, "type"));
            }
        }
    }
    echoed
}

/// H3 for one acknowledged send and one log that was received as a whole.
fn logged(send: &Acknowledged<'_>, party: &str, (echoed, logs): (&Echoed<'_>, &Logs), verdict: &mut Verdict) {
    let Acknowledged { sender, said, chat, seq } = send;
    let wanted = if party == *sender { "SEND_MESSAGE" } else { "RECEIVE_MESSAGE" };
    let in_snapshot = logs.get(party).is_some_and(|log| {
        let left_out = log.left_out.get(*chat).copied().unwrap_or_default();
        *seq < left_out || log.shown.contains(&((*chat).to_owned(), *seq))
    });
    match echoed.get(&(party, *chat, *seq)) {
        Some(found) if *found == wanted => {}
        None if in_snapshot => {}
        found => verdict.violated("H3", || {
            format!("the acknowledged {said:?}, seq {seq} of {chat}, has no {wanted} in the log of {party}: {found:?}")
        }),
    }
}

fn said_by(message: &Value) -> &str {
    message.pointer("/content/text").and_then(Value::as_str).unwrap_or_default()
}

/// H4: every answer and every echo under a key names the same message.
fn keys(recording: &Recording, logs: &Logs, verdict: &mut Verdict) {
    let mut named: HashMap<(String, String), (String, u64)> = HashMap::new();
    let mut note = |account: &str, key: &str, chat: &str, seq: u64, verdict: &mut Verdict| {
        let place = (chat.to_owned(), seq);
        let known = named.entry((account.to_owned(), key.to_owned())).or_insert_with(|| place.clone());
        if *known != place {
            verdict.violated("H4", || format!("key {key} of {account} stands for {known:?} and {place:?}"));
        }
    };
    for send in recording.sends.iter().filter(|send| number(send, "status") == 200) {
        let answer = send.get("answer").unwrap_or(&Value::Null);
        note(text(send, "account"), text(send, "key"), text(answer, "chat"), number(answer, "seq"), verdict);
    }
    for (account, log) in logs {
        for operation in log.operations.values() {
            if let (Some(key), Some((chat, seq))) =
                (operation.pointer("/payload/key").and_then(Value::as_str), message_of(operation))
            {
                note(account, key, chat, seq, verdict);
            }
        }
    }
}

/// H3: no log holds a message twice.
fn once_in_logs(logs: &Logs, verdict: &mut Verdict) {
    for (account, log) in logs {
        let mut seen: HashSet<(&str, &str, u64)> = HashSet::new();
        for ((id, revision), operation) in &log.operations {
            if let Some((chat, seq)) = message_of(operation)
                && !seen.insert((id, chat, seq))
            {
                verdict
                    .violated("H3", || format!("{account}: seq {seq} of {chat} again at {revision} of {id}"));
            }
        }
    }
}

/// H6: every revision that was seen, and every message that was pushed, is there at the end, unless it was taken back.
fn survived(logs: &Logs, endings: &Endings<'_>, verdict: &mut Verdict) {
    for (account, log) in logs {
        let Some(ending) = endings.get(account.as_str()) else {
            verdict.violated("H6", || format!("there is nothing to compare the log of {account} with"));
            continue;
        };
        let (id, end) = ending.end();
        if let Some(seen) = log.seen.get(id).filter(|seen| **seen > end) {
            verdict.violated("H6", || {
                format!("{account}: revision {seen} of {id} was seen, the log ends at {end}")
            });
        }
        for ((id, revision), operation) in &log.operations {
            let Some((chat, seq)) = message_of(operation) else { continue };
            let pushed = operation.pointer("/payload/message").unwrap_or(&Value::Null);
            // Who left a group no longer sees what was said there.
            let since = ending.members.get(chat).and_then(|members| members.get(account));
            let in_group = operation.pointer("/payload/peer").is_none();
            if in_group && since.is_none_or(|since| seq <= *since) {
                continue;
            }
            if !is_kept(pushed, ending.messages.get(&(chat.to_owned(), seq))) {
                verdict.violated("H6", || {
                    format!("{account}: {pushed}, pushed at {revision} of {id}, is not in the history")
                });
            }
        }
    }
}

fn is_kept(pushed: &Value, kept: Option<&Value>) -> bool {
    kept.is_some_and(|kept| {
        kept.get("unsent").is_some()
            || pushed.get("unsent").is_some()
            || (said_by(kept) == said_by(pushed) && text(kept, "sender") == text(pushed, "sender"))
    })
}
