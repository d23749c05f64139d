//! What a device knows, by category, and how operations change it.
//!
//! Every object has a version; what comes is applied iff it is newer (Rule C), so that snapshots and operations may overlap.
//! What was removed leaves its version behind until the next FullSync, so that something older cannot bring it back.

mod apply;
mod compare;

use std::collections::BTreeMap;

use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::operation::{
    Category, ChatKind, Contact, JoinPolicy, Member, Membership, Profile, Setting, Standing,
};
use denrei_model::position::{Revision, Seq};
use denrei_model::wire::Position;
use denrei_model::wire::message::HistoryMessage;
use denrei_model::wire::snapshot::{ChatItem, MessagesItem};
use serde::{Deserialize, Serialize};

pub use compare::differences;

/// The local copy of an account.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct LocalState {
    /// Where the copy stands; absent until the first FullSync is stored.
    pub position: Option<Position>,
    /// One's own profile.
    pub profile: Option<Profile>,
    /// Settings by device (all zeroes: of the account) and key.
    #[serde(with = "pairs")]
    pub settings: BTreeMap<(DeviceId, String), Setting>,
    /// Contacts; those removed stay as tombstones without relation.
    pub contacts: BTreeMap<AccountId, Contact>,
    /// Chats that one is in or asked into.
    pub chats: BTreeMap<ChatId, LocalChat>,
    /// Their messages.
    pub messages: BTreeMap<ChatId, LocalMessages>,
}

/// A chat as a device knows it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct LocalChat {
    /// 1:1 or group.
    pub kind: ChatKind,
    /// Name of a group.
    pub name: String,
    /// How people come in.
    pub join: JoinPolicy,
    /// The version of name and join policy.
    pub version: Seq,
    /// Members; those who are gone stay with the version at which they went.
    pub members: BTreeMap<AccountId, Member>,
    /// One's own standing.
    pub standing: Standing,
}

impl LocalChat {
    /// Messages received and not read.
    #[must_use]
    pub const fn unread(&self) -> u64 {
        self.standing.n.saturating_sub(self.standing.read_n)
    }

    fn of(item: ChatItem) -> (ChatId, Self) {
        let ChatItem { state, standing, .. } = item;
        let members = state.members.into_iter().map(|member| (member.account, member)).collect();
        let chat = Self {
            kind: state.kind,
            name: state.name,
            join: state.join,
            version: state.version,
            members,
            standing,
        };
        (state.chat, chat)
    }
}

/// The messages of a chat as a device knows them.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub struct LocalMessages {
    /// From here on nothing that one may see is missing.
    pub complete_from: Seq,
    /// By seq.
    pub by_seq: BTreeMap<Seq, HistoryMessage>,
}

/// All pages of a FullSync, put together.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Snapshot {
    /// Category `profile`.
    pub profile: Option<Profile>,
    /// Category `settings`.
    pub settings: Vec<Setting>,
    /// Category `contacts`.
    pub contacts: Vec<Contact>,
    /// Category `chats`.
    pub chats: Vec<ChatItem>,
    /// Category `messages`.
    pub messages: Vec<MessagesItem>,
}

impl LocalState {
    /// Replaces everything by what a snapshot says, at the position that the FullSync gave.
    pub fn replace(&mut self, snapshot: Snapshot, position: Position) {
        *self = Self { position: Some(position), ..Self::of(snapshot) };
    }

    fn of(snapshot: Snapshot) -> Self {
        let setting = |setting: Setting| ((setting.device.unwrap_or_default(), setting.key.clone()), setting);
        let messages = |item: MessagesItem| {
            let by_seq = item.messages.into_iter().map(|message| (message.message.seq, message)).collect();
            (item.chat, LocalMessages { complete_from: item.complete_from, by_seq })
        };
        Self {
            position: None,
            profile: snapshot.profile,
            settings: snapshot.settings.into_iter().map(setting).collect(),
            contacts: snapshot.contacts.into_iter().map(|contact| (contact.account, contact)).collect(),
            chats: snapshot.chats.into_iter().map(LocalChat::of).collect(),
            messages: snapshot.messages.into_iter().map(messages).collect(),
        }
    }

    /// Replaces some categories by what a snapshot says; the position stays.
    pub fn replace_some(&mut self, categories: &[Category], snapshot: Snapshot) {
        let mut newer = Self::of(snapshot);
        for category in categories {
            match category {
                Category::Profile => self.profile = newer.profile.take(),
                Category::Settings => self.settings = std::mem::take(&mut newer.settings),
                Category::Contacts => self.contacts = std::mem::take(&mut newer.contacts),
                Category::Chats => self.chats = std::mem::take(&mut newer.chats),
                Category::Messages => self.messages = std::mem::take(&mut newer.messages),
            }
        }
    }

    /// Forgets all but the newest messages of each chat.
    pub fn drop_older(&mut self, newest: usize) {
        for messages in self.messages.values_mut() {
            while messages.by_seq.len() > newest {
                let Some((dropped, _)) = messages.by_seq.pop_first() else { break };
                messages.complete_from = dropped.next();
            }
        }
    }

    /// The revision up to which everything is known.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.position.map_or(Revision::ZERO, |position| position.revision)
    }

    /// The 1:1 or group chat, if one is in it.
    #[must_use]
    pub fn chat(&self, chat: ChatId) -> Option<&LocalChat> {
        self.chats.get(&chat).filter(|chat| chat.standing.membership != Membership::Gone)
    }
}

/// Maps whose keys are no texts, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}
