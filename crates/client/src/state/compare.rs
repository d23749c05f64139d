//! Whether two copies of an account hold the same.

use std::collections::BTreeMap;
use std::fmt::Debug;

use denrei_model::id::{AccountId, ChatId};
use denrei_model::operation::{Member, Membership};
use denrei_model::position::Seq;

use super::apply::stands;
use super::{LocalChat, LocalMessages, LocalState};

/// Members of larger chats learn of read marks only while they listen; such marks are not compared.
const MARKS_KEPT: usize = 20;

/// What differs between two copies of this account, in words; empty if they hold the same. Tombstones are passed over, messages
/// are compared from where both are complete.
#[must_use]
pub fn differences(a: &LocalState, b: &LocalState, me: AccountId) -> Vec<String> {
    let mut found = Vec::new();
    if a.profile != b.profile {
        found.push(format!("profile: {:?} / {:?}", a.profile, b.profile));
    }
    let settings = |state: &LocalState| filtered(&state.settings, |setting| setting.value.is_some());
    compare("setting", &settings(a), &settings(b), &mut found);
    compare("contact", &filtered(&a.contacts, stands), &filtered(&b.contacts, stands), &mut found);
    let (left, right) = (chats(a), chats(b));
    compare("member", &members(&left, me), &members(&right, me), &mut found);
    let bare = |mut chats: BTreeMap<ChatId, LocalChat>| {
        chats.values_mut().for_each(|chat| chat.members.clear());
        chats
    };
    compare("chat", &bare(left), &bare(right), &mut found);
    for chat in a.messages.keys().chain(b.messages.keys().filter(|chat| !a.messages.contains_key(chat))) {
        let nothing = LocalMessages::default();
        let (left, right) =
            (a.messages.get(chat).unwrap_or(&nothing), b.messages.get(chat).unwrap_or(&nothing));
        let from = left.complete_from.max(right.complete_from);
        let since =
            |messages: &LocalMessages| messages.by_seq.range(from..).map(|(k, v)| (*k, v.clone())).collect();
        let (left, right): (BTreeMap<Seq, _>, BTreeMap<Seq, _>) = (since(left), since(right));
        compare(&format!("message of {chat}"), &left, &right, &mut found);
    }
    found
}

fn filtered<K: Ord + Clone, V: Clone>(map: &BTreeMap<K, V>, keep: impl Fn(&V) -> bool) -> BTreeMap<K, V> {
    map.iter().filter(|(_, value)| keep(value)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn chats(state: &LocalState) -> BTreeMap<ChatId, LocalChat> {
    filtered(&state.chats, |chat| chat.standing.membership != Membership::Gone)
}

/// Everyone in these chats, with their read mark as far as one is told of it.
fn members(chats: &BTreeMap<ChatId, LocalChat>, me: AccountId) -> BTreeMap<(ChatId, AccountId), Member> {
    let mut all = BTreeMap::new();
    for (id, chat) in chats {
        let joined = chat.members.values().filter(|member| member.membership == Membership::Joined).count();
        let told = joined <= MARKS_KEPT && chat.standing.membership == Membership::Joined;
        for (account, member) in
            chat.members.iter().filter(|(_, member)| member.membership != Membership::Gone)
        {
            // One's own mark is in the standing; the chat learns of it a little later.
            let read = if told && *account != me { member.read } else { Seq::ZERO };
            all.insert((*id, *account), Member { read, ..member.clone() });
        }
    }
    all
}

fn compare<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    a: &BTreeMap<K, V>,
    b: &BTreeMap<K, V>,
    found: &mut Vec<String>,
) {
    for (key, left) in a {
        match b.get(key) {
            Some(right) if left == right => {}
            right => found.push(format!("{what} {key:?}: {left:?} / {right:?}")),
        }
    }
    for (key, right) in b.iter().filter(|(key, _)| !a.contains_key(key)) {
        found.push(format!("{what} {key:?}: nothing / {right:?}"));
    }
}
