//! Whether two copies of an account hold the same.

use std::collections::BTreeMap;
use std::fmt::Debug;

use denrei_model::operation::Membership;
use denrei_model::position::Seq;

use super::apply::stands;
use super::{LocalChat, LocalMessages, LocalState};

/// Members of larger chats learn of read marks only while they listen; such marks are not compared.
const MARKS_KEPT: usize = 20;

/// What differs between two copies, in words; empty if they hold the same. Tombstones are passed over, messages are compared
/// from where both are complete.
#[must_use]
pub fn differences(a: &LocalState, b: &LocalState) -> Vec<String> {
    let mut found = Vec::new();
    if a.profile != b.profile {
        found.push(format!("profile: {:?} / {:?}", a.profile, b.profile));
    }
    let settings = |state: &LocalState| filtered(&state.settings, |setting| setting.value.is_some());
    compare("setting", &settings(a), &settings(b), &mut found);
    compare("contact", &filtered(&a.contacts, stands), &filtered(&b.contacts, stands), &mut found);
    compare("chat", &chats(a), &chats(b), &mut found);
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

fn chats(state: &LocalState) -> BTreeMap<denrei_model::ChatId, LocalChat> {
    let mut chats = filtered(&state.chats, |chat| chat.standing.membership != Membership::Gone);
    for chat in chats.values_mut() {
        chat.members.retain(|_, member| member.membership != Membership::Gone);
        let joined = chat.members.values().filter(|member| member.membership == Membership::Joined).count();
        let told = joined <= MARKS_KEPT && chat.standing.membership == Membership::Joined;
        // One's own mark is in the standing; the chat learns of it a little later.
        for member in chat.members.values_mut() {
            if !told {
                member.read = Seq::ZERO;
            }
        }
    }
    chats
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
