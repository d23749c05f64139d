//! H3, H4, H6: what became of every send.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::Verdict;
use super::log::{AccountLog, message_of};
use super::recording::{Recording, number, text};

/// The messages of one account at the end, by chat and seq; how often each text stands there.
struct Ending {
    messages: BTreeMap<(String, u64), Value>,
    texts: HashMap<String, u64>,
}

/// Judges the sends against the histories at the end and the logs in between.
pub(super) fn judge(recording: &Recording, logs: &HashMap<String, AccountLog>, verdict: &mut Verdict) {
    let endings: HashMap<&str, Ending> =
        recording.fresh.iter().map(|(account, pages)| (account.as_str(), ending(pages))).collect();
    verdict.looked_at.messages = endings.values().map(|ending| ending.messages.len() as u64).sum();
    keys(recording, logs, verdict);
    for send in &recording.sends {
        let sender = text(send, "account");
        let said = send.pointer("/request/message/text").and_then(Value::as_str).unwrap_or_default();
        let acknowledged = number(send, "status") == 200;
        let mut parties = vec![sender];
        parties.extend(
            send.pointer("/request/to").and_then(Value::as_str).filter(|to| endings.contains_key(to)),
        );
        if acknowledged {
            verdict.looked_at.acknowledged += 1;
            let answer = send.get("answer").unwrap_or(&Value::Null);
            arrived(&parties, said, (text(answer, "chat"), number(answer, "seq")), &endings, verdict);
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

/// H3 for one acknowledged send.
fn arrived(
    parties: &[&str],
    said: &str,
    (chat, seq): (&str, u64),
    endings: &HashMap<&str, Ending>,
    verdict: &mut Verdict,
) {
    for party in parties {
        let Some(ending) = endings.get(party) else {
            verdict.violated("H3", || format!("there is no history of {party}"));
            continue;
        };
        match ending.messages.get(&(chat.to_owned(), seq)) {
            None => verdict.violated("H3", || {
                format!("the acknowledged {said:?}, seq {seq} of {chat}, is not in the history of {party}")
            }),
            Some(message) if said_by(message) != said => verdict.violated("H3", || {
                format!("seq {seq} of {chat} was acknowledged for {said:?}, {party} has {message}")
            }),
            Some(_) => {}
        }
    }
}

fn said_by(message: &Value) -> &str {
    message.pointer("/content/text").and_then(Value::as_str).unwrap_or_default()
}

/// H4: every answer and every echo under a key names the same message.
fn keys(recording: &Recording, logs: &HashMap<String, AccountLog>, verdict: &mut Verdict) {
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
fn once_in_logs(logs: &HashMap<String, AccountLog>, verdict: &mut Verdict) {
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

/// H6: every message that was pushed is in the history at the end, unchanged unless it was taken back.
fn survived(logs: &HashMap<String, AccountLog>, endings: &HashMap<&str, Ending>, verdict: &mut Verdict) {
    for (account, log) in logs {
        let Some(ending) = endings.get(account.as_str()) else {
            verdict.violated("H6", || format!("there is nothing to compare the log of {account} with"));
            continue;
        };
        for ((id, revision), operation) in &log.operations {
            let Some((chat, seq)) = message_of(operation) else { continue };
            let pushed = operation.pointer("/payload/message").unwrap_or(&Value::Null);
            let kept = ending.messages.get(&(chat.to_owned(), seq));
            let same = kept.is_some_and(|kept| {
                kept.get("unsent").is_some()
                    || pushed.get("unsent").is_some()
                    || (said_by(kept) == said_by(pushed) && text(kept, "sender") == text(pushed, "sender"))
            });
            if !same {
                verdict.violated("H6", || {
                    format!("{account}: {pushed} was pushed at {revision} of {id}, the history has {kept:?}")
                });
            }
        }
    }
}

fn ending(pages: &[Value]) -> Ending {
    let mut ending = Ending { messages: BTreeMap::new(), texts: HashMap::new() };
    let histories = pages.iter().filter(|line| text(line, "what") == "history");
    for page in histories.filter_map(|line| line.get("page")) {
        for message in page.get("messages").and_then(Value::as_array).into_iter().flatten() {
            let place = (text(page, "chat").to_owned(), number(message, "seq"));
            if ending.messages.insert(place, message.clone()).is_none() {
                *ending.texts.entry(said_by(message).to_owned()).or_default() += 1;
            }
        }
    }
    ending
}
