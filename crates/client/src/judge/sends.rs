//! H3, H4, H6: what became of every send of a 1:1 chat, and of what was pushed. Groups are judged in [`super::groups`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use serde_json::Value;

use super::Verdict;
use super::ending::Ending;
use super::event::{message_of, said_by};
use super::log::AccountLog;
use super::recording::{Lines, ReadingError, number, text};

/// A send, as far as it is judged.
pub(super) struct Send {
    pub(super) sender: Rc<str>,
    to: Rc<str>,
    key: String,
    pub(super) said: Rc<str>,
    /// Chat and seq, if it was acknowledged.
    pub(super) place: Option<(Rc<str>, u64)>,
}

/// All sends, and whom they concern.
#[derive(Default)]
pub(super) struct Sends {
    /// Accounts, chats and texts, each held once.
    names: HashSet<Rc<str>>,
    all: Vec<Send>,
    /// Sends in 1:1 chats, by sender and by receiver.
    by_party: HashMap<Rc<str>, Vec<usize>>,
    senders: BTreeSet<Rc<str>>,
}

impl Sends {
    pub(super) fn read(lines: Lines, verdict: &mut Verdict) -> Result<Self, ReadingError> {
        let mut sends = Self::default();
        for line in lines {
            let line = line?;
            let send = sends.send(&line);
            let seen = &mut verdict.looked_at;
            let count = if send.place.is_some() { &mut seen.acknowledged } else { &mut seen.unanswered };
            *count += 1;
            sends.take(send);
        }
        Ok(sends)
    }

    fn name(&mut self, name: &str) -> Rc<str> {
        if let Some(known) = self.names.get(name) {
            return Rc::clone(known);
        }
        let name: Rc<str> = Rc::from(name);
        self.names.insert(Rc::clone(&name));
        name
    }

    fn send(&mut self, line: &Value) -> Send {
        let pointed = |path| line.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let answer = line.get("answer").filter(|_| number(line, "status") == 200);
        Send {
            sender: self.name(text(line, "account")),
            to: self.name(pointed("/request/to")),
            key: text(line, "key").to_owned(),
            said: self.name(pointed("/request/message/text")),
            place: answer.map(|answer| (self.name(text(answer, "chat")), number(answer, "seq"))),
        }
    }

    fn take(&mut self, send: Send) {
        let number = self.all.len();
        self.senders.insert(Rc::clone(&send.sender));
        let mut concern = |party: &Rc<str>| self.by_party.entry(Rc::clone(party)).or_default().push(number);
        concern(&send.sender);
        if !send.is_in_group() && send.to != send.sender {
            concern(&send.to);
        }
        self.all.push(send);
    }

    /// Those in groups that were acknowledged.
    pub(super) fn in_groups(&self) -> impl Iterator<Item = (usize, &Send)> {
        self.all.iter().enumerate().filter(|(_, send)| send.is_in_group())
    }

    pub(super) fn get(&self, number: usize) -> Option<&Send> {
        self.all.get(number)
    }

    pub(super) fn senders(&self) -> impl Iterator<Item = &str> {
        self.senders.iter().map(|sender| &**sender)
    }

    fn of(&self, party: &str) -> impl Iterator<Item = &Send> {
        self.by_party.get(party).into_iter().flatten().filter_map(|number| self.all.get(*number))
    }

    /// Whether this was ever said.
    fn knows(&self, said: &str) -> bool {
        self.names.contains(said)
    }
}

impl Send {
    fn is_in_group(&self) -> bool {
        self.place.as_ref().is_some_and(|(chat, _)| *chat == self.to)
    }
}

/// Judges one account: the sends that concern it against its log and its history, and its log against its history.
pub(super) fn judge(
    account: &str,
    sends: &Sends,
    (log, ending): (&AccountLog, &Ending),
    verdict: &mut Verdict,
) {
    let judged = Judged { account, log, ending };
    verdict.looked_at.messages += ending.messages.len() as u64;
    let echoed = judged.messages(verdict);
    let whole = log.is_whole(ending.end());
    for send in sends.of(account).filter(|send| !send.is_in_group()) {
        let Some((chat, seq)) = &send.place else { continue };
        judged.arrived(send, (chat, *seq), verdict);
        if whole && !echoed.contains(&(&**chat, *seq)) && !judged.in_snapshot(chat, *seq) {
            verdict.violated("H3", || {
                format!(
                    "the acknowledged {:?}, seq {seq} of {chat}, is not in the log of {account}",
                    send.said
                )
            });
        }
    }
    for (said, times) in ending.texts.iter().filter(|(said, times)| **times > 1 && !said.is_empty()) {
        if sends.knows(said) {
            verdict.violated("H3", || format!("{said:?} stands {times} times in the history of {account}"));
        }
    }
    judged.keys(sends, verdict);
    judged.survived(verdict);
}

struct Judged<'a> {
    account: &'a str,
    log: &'a AccountLog,
    ending: &'a Ending,
}

impl Judged<'_> {
    /// H3: no log holds a message twice, and each is told as sent or received. Gives those that it holds.
    fn messages(&self, verdict: &mut Verdict) -> HashSet<(&str, u64)> {
        let (mut in_each, mut all) = (HashSet::new(), HashSet::new());
        for ((id, revision), operation) in &self.log.operations {
            let Some((chat, seq)) = message_of(operation) else { continue };
            all.insert((chat, seq));
            if !in_each.insert((id, chat, seq)) {
                verdict.violated("H3", || {
                    format!("{}: seq {seq} of {chat} again at {revision} of {id}", self.account)
                });
            }
            let own =
                operation.pointer("/payload/message/sender").and_then(Value::as_str) == Some(self.account);
            let kind = text(operation, "type");
            if own != (kind == "SEND_MESSAGE") {
                verdict.violated("H3", || {
                    format!("{}: seq {seq} of {chat} is told as {kind} at {revision} of {id}", self.account)
                });
            }
        }
        all
    }

    /// H3 for one acknowledged send and the history.
    fn arrived(&self, send: &Send, (chat, seq): (&str, u64), verdict: &mut Verdict) {
        let (account, said) = (self.account, &send.said);
        match self.ending.messages.get(&(chat.to_owned(), seq)) {
            None => verdict.violated("H3", || {
                format!("the acknowledged {said:?}, seq {seq} of {chat}, is not in the history of {account}")
            }),
            Some(message) if message.get("unsent").is_none() && said_by(message) != &**said => {
                verdict.violated("H3", || {
                    format!("seq {seq} of {chat} was acknowledged for {said:?}, {account} has {message}")
                });
            }
            Some(_) => {}
        }
    }

    fn in_snapshot(&self, chat: &str, seq: u64) -> bool {
        let left_out = self.log.left_out.get(chat).copied().unwrap_or_default();
        seq < left_out || self.log.shown.contains(&(chat.to_owned(), seq))
    }

    /// H4: every answer and every echo under a key names the same message.
    fn keys(&self, sends: &Sends, verdict: &mut Verdict) {
        let mut named: HashMap<&str, (&str, u64)> = HashMap::new();
        let answered =
            sends.of(self.account).filter(|send| *send.sender == *self.account).filter_map(|send| {
                let (chat, seq) = send.place.as_ref()?;
                Some((send.key.as_str(), (&**chat, *seq)))
            });
        let echoed = self.log.operations.values().filter_map(|operation| {
            Some((operation.pointer("/payload/key")?.as_str()?, message_of(operation)?))
        });
        for (key, place) in answered.chain(echoed) {
            let known = *named.entry(key).or_insert(place);
            if known != place {
                verdict.violated("H4", || {
                    format!("key {key} of {} stands for {known:?} and {place:?}", self.account)
                });
            }
        }
    }

    /// H6: every revision that was seen, and every message that was pushed, is there at the end, unless it was taken back.
    fn survived(&self, verdict: &mut Verdict) {
        let (account, (id, end)) = (self.account, self.ending.end());
        if let Some(seen) = self.log.seen.get(id).filter(|seen| **seen > end) {
            verdict.violated("H6", || {
                format!("{account}: revision {seen} of {id} was seen, the log ends at {end}")
            });
        }
        for ((id, revision), operation) in &self.log.operations {
            let Some((chat, seq)) = message_of(operation) else { continue };
            let pushed = operation.pointer("/payload/message").unwrap_or(&Value::Null);
            // Who left a group no longer sees what was said there.
            let since = self.ending.since(chat, account);
            let in_group = operation.pointer("/payload/peer").is_none();
            if in_group && since.is_none_or(|since| seq <= since) {
                continue;
            }
            if !is_kept(pushed, self.ending.messages.get(&(chat.to_owned(), seq))) {
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
