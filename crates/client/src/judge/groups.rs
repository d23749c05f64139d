//! H3 and H8 in groups: every event is in the log of each member whom it concerns, every message in the history of each who may
//! see it, from their join on; and all members agree on who is in it.
//!
//! Who was in a group when is known from all logs together: each event took the next seq, so that nothing is missing between
//! the first and the last. A group that was made before anybody was watched is not judged here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::Verdict;
use super::ending::Ending;
use super::event::{Event, What, event, said_by};
use super::log::AccountLog;
use super::members::Members;
use super::sends::{Send, Sends};
use super::seqs::Seqs;

/// All groups of a recording.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    /// Those whose devices together received their whole log.
    whole: HashSet<String>,
}

#[derive(Default)]
struct Group {
    events: BTreeMap<u64, Known>,
    people: BTreeMap<String, Person>,
}

/// What is known of an event.
#[derive(Default)]
struct Known {
    kind: Kind,
    /// By whom it was asked for, and that it was acknowledged.
    acknowledged: Option<String>,
    /// The number of the send that it is.
    send: Option<usize>,
}

#[derive(Default, PartialEq, Debug)]
enum Kind {
    /// No log tells of it.
    #[default]
    Unknown,
    Message,
    About(u64),
    Change(Vec<(String, String)>),
}

/// What somebody was told of a group.
#[derive(Default)]
struct Person {
    /// A snapshot may have told them of what was before this.
    from: u64,
    told: Seqs,
    /// Messages of their history at the end.
    kept: Seqs,
    /// Who is in the group at the end, as they see it; absent if they are not.
    members: Option<u64>,
}

impl Groups {
    fn event(&mut self, chat: &str, seq: u64) -> &mut Known {
        self.groups.entry(chat.to_owned()).or_default().events.entry(seq).or_default()
    }

    /// Takes up acknowledged sends, each of which has a place of its own.
    pub(super) fn take_sends(&mut self, sends: &Sends, verdict: &mut Verdict) {
        for (number, send) in sends.in_groups() {
            let Some((chat, seq)) = &send.place else { continue };
            let by = send.sender.to_string();
            let known = self.event(chat, *seq);
            if let Some(other) = known.send.and_then(|other| sends.get(other)) {
                verdict.violated("H4", || {
                    let (here, there) = (&send.sender, &other.sender);
                    format!("seq {seq} of {chat} was acknowledged to {there} for one message and to {here} for another")
                });
            }
            *known = Known { kind: Kind::Message, acknowledged: Some(by), send: Some(number) };
        }
    }

    /// Takes up an acknowledged change.
    pub(super) fn take_change(&mut self, account: &str, (chat, seq): (&str, u64)) {
        self.event(chat, seq).acknowledged.get_or_insert_with(|| account.to_owned());
    }

    /// Takes up what one account was told, and what it has at the end.
    pub(super) fn take_account(
        &mut self,
        account: &str,
        (log, ending): (&AccountLog, &Ending),
        sends: &Sends,
        verdict: &mut Verdict,
    ) {
        if log.is_whole(ending.end()) {
            self.whole.insert(account.to_owned());
        }
        // Operations of 1:1 chats name the other one.
        let in_group = |operation: &&Value| operation.pointer("/payload/peer").is_none();
        for event in log.operations.values().filter(in_group).filter_map(event) {
            let group = self.groups.entry(event.chat.to_owned()).or_default();
            group.person(account).told.insert(event.seq);
            group.learn(account, &event, verdict);
        }
        for ((chat, seq), message) in &ending.messages {
            if let Some(group) = self.groups.get_mut(chat) {
                group.person(account).kept.insert(*seq);
                group.compare((account, *seq, message), sends, verdict);
            }
        }
        for (chat, members) in ending.members.iter().filter(|(_, members)| members.contains_key(account)) {
            let joined = members.iter().map(|(account, since)| (account.as_str(), *since));
            self.groups.entry(chat.clone()).or_default().person(account).members = Some(digest(joined));
        }
        for chat in &log.shown_chats {
            if let Some(person) = self.groups.get_mut(chat).and_then(|group| group.people.get_mut(account)) {
                person.from = person.told.first().unwrap_or(u64::MAX);
            }
        }
    }

    /// Judges all groups, once all accounts are taken up.
    pub(super) fn judge(&self, verdict: &mut Verdict) {
        for (chat, group) in self.groups.iter().filter(|(_, group)| group.is_watched()) {
            verdict.looked_at.groups += 1;
            Judged { chat, group, whole: &self.whole }.judge(verdict);
        }
    }
}

impl Group {
    fn person(&mut self, account: &str) -> &mut Person {
        self.people.entry(account.to_owned()).or_default()
    }

    /// Whether it was made under our eyes.
    fn is_watched(&self) -> bool {
        self.events.get(&1).is_some_and(|known| matches!(known.kind, Kind::Change(_)))
    }

    /// Takes up what an account was told of an event; whoever else was told must have been told the same.
    fn learn(&mut self, account: &str, event: &Event<'_>, verdict: &mut Verdict) {
        let kind = match &event.what {
            What::Message => Kind::Message,
            What::About(target) => Kind::About(*target),
            What::Change(members) => {
                let owned = |(who, how): &(&str, &str)| ((*who).to_owned(), (*how).to_owned());
                Kind::Change(members.iter().map(owned).collect())
            }
        };
        let known = &mut self.events.entry(event.seq).or_default().kind;
        if *known == Kind::Unknown {
            *known = kind;
        } else if *known != kind {
            verdict.violated("H2", || {
                format!("seq {} of {} is {kind:?} for {account}, {known:?} for others", event.seq, event.chat)
            });
        }
    }

    /// What stands in a history is what was acknowledged.
    fn compare(&self, (account, seq, message): (&str, u64, &Value), sends: &Sends, verdict: &mut Verdict) {
        let send = self.events.get(&seq).and_then(|known| sends.get(known.send?));
        let Some(Send { said, .. }) = send.filter(|_| message.get("unsent").is_none()) else { return };
        if said_by(message) != &**said {
            verdict.violated("H3", || {
                format!("seq {seq} was acknowledged for {said:?}, {account} has {message}")
            });
        }
    }
}

/// A group with all that is known of it.
struct Judged<'a> {
    chat: &'a str,
    group: &'a Group,
    whole: &'a HashSet<String>,
}

impl Judged<'_> {
    fn judge(&self, verdict: &mut Verdict) {
        let Self { chat, group, whole } = self;
        let mut members = Members::default();
        for (place, (seq, known)) in (1..).zip(&group.events) {
            if place != *seq {
                if group.people.keys().all(|account| whole.contains(account)) {
                    verdict.violated("H3", || format!("seq {place} of {chat} is in no log, {seq} is"));
                }
                return self.judge_senders(*seq, verdict);
            }
            if known.kind == Kind::Unknown {
                if let Some(by) = known.acknowledged.as_ref().filter(|by| whole.contains(*by)) {
                    verdict.violated("H3", || {
                        format!("seq {seq} of {chat}, acknowledged to {by}, is in no log")
                    });
                }
                return self.judge_senders(*seq, verdict);
            }
            self.judge_event((*seq, known), &mut members, verdict);
        }
        self.agree(&members, verdict);
    }

    /// Who is in the group from here on is not known; but whoever sent a message sees it for as long as they are in it.
    fn judge_senders(&self, from: u64, verdict: &mut Verdict) {
        for (seq, known) in self.group.events.range(from..) {
            let Some(by) = known.acknowledged.as_ref().filter(|_| known.send.is_some()) else { continue };
            let lacks = |person: &Person| person.members.is_some() && !person.kept.contains(*seq);
            if self.group.people.get(by).is_some_and(lacks) {
                verdict.violated("H3", || {
                    format!(
                        "the acknowledged seq {seq} of {} is not in the history of {by}, who sent it",
                        self.chat
                    )
                });
            }
        }
    }

    /// One event: those whom it concerns were told, and those who may see a message have it at the end.
    fn judge_event(&self, (seq, known): (u64, &Known), members: &mut Members, verdict: &mut Verdict) {
        verdict.looked_at.events += 1;
        let mut concerned: BTreeSet<String> = BTreeSet::new();
        match &known.kind {
            Kind::Message => concerned.extend(members.joined().map(|(account, _)| account.to_owned())),
            Kind::About(target) => concerned.extend(members.who_see(*target).map(str::to_owned)),
            Kind::Unknown => {}
            Kind::Change(changes) => {
                // Those who go are told, and those who come.
                concerned.extend(members.all().map(str::to_owned));
                members.change(seq, changes);
                concerned.extend(members.all().map(str::to_owned));
            }
        }
        for account in &concerned {
            let person = self.group.people.get(account);
            let (from, told, kept, stayed) = person.map_or((0, false, false, false), |person| {
                let (told, kept) = (person.told.contains(seq), person.kept.contains(seq));
                (person.from, told, kept, person.members.is_some())
            });
            let chat = self.chat;
            if !told && seq >= from && self.whole.contains(account) {
                verdict.violated("H3", || {
                    format!("seq {seq} of {chat}, {:?}, is not in the log of {account}", known.kind)
                });
            }
            if known.kind == Kind::Message && known.acknowledged.is_some() && stayed && !kept {
                verdict.violated("H3", || {
                    format!("the acknowledged seq {seq} of {chat} is not in the history of {account}")
                });
            }
        }
    }

    /// Everyone who is in it at the end sees those whom its events left in it. Asked only where the events are known up to the
    /// end: one who was in it then received them all.
    fn agree(&self, members: &Members, verdict: &mut Verdict) {
        let saw_the_end =
            |(account, person): (&String, &Person)| person.members.is_some() && self.whole.contains(account);
        if !self.group.people.iter().any(saw_the_end) {
            return;
        }
        let wanted = digest(members.joined());
        let joined: BTreeMap<&str, u64> = members.joined().collect();
        for (account, person) in &self.group.people {
            let agrees = match person.members {
                Some(seen) => seen == wanted,
                None => !joined.contains_key(account.as_str()),
            };
            if !agrees {
                verdict.violated("H8", || {
                    format!("{account} sees other members in {} than its events left: {joined:?}", self.chat)
                });
            }
        }
    }
}

fn digest<'a>(joined: impl Iterator<Item = (&'a str, u64)>) -> u64 {
    let mut hasher = DefaultHasher::new();
    joined.for_each(|member| member.hash(&mut hasher));
    hasher.finish()
}
