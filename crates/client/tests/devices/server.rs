//! A server in memory: accounts with their logs, 1:1 chats, contacts, settings, and snapshots of all that.

use std::collections::BTreeMap;

use denrei_model::message::{Content, Message, Reaction, Text};
use denrei_model::operation::{
    Category, ChatChecked, ChatKind, ChatState, Contact, ContactRemoved, JoinPolicy, Member, Membership,
    MessageReacted, MessageReceived, MessageSent, MessageUnsent, Payload, Profile, Relation, Setting,
    Standing,
};
use denrei_model::wire::message::{History, HistoryMessage, SendAnswer};
use denrei_model::wire::snapshot::ChatItem;
use denrei_model::wire::{FullSyncReason, Position};
use denrei_model::{AccountId, ChatId, DeviceId, LogId, Revision, Seq, Tag};
use serde_json::{Value, json};

/// Messages of a chat that a snapshot shows: few, so that tests come to the end of them.
pub(crate) const SHOWN: usize = 5;

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) log: LogId,
    /// Operations as they are sent, from revision 1 on.
    pub(crate) operations: Vec<Value>,
    tags: Vec<Tag>,
    profile: Profile,
    contacts: BTreeMap<AccountId, Contact>,
    settings: BTreeMap<String, Setting>,
    standings: BTreeMap<ChatId, Standing>,
}

#[derive(Default)]
struct Chat {
    last: u64,
    messages: BTreeMap<Seq, HistoryMessage>,
}

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    chats: BTreeMap<ChatId, Chat>,
    keys: BTreeMap<(AccountId, String), SendAnswer>,
    /// Retried sends are taken for new ones.
    pub(crate) forgets_keys: bool,
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::derived("test", &[name.as_bytes()])
}

impl Account {
    pub(crate) fn head(&self) -> Position {
        let tag = self.tags.last().copied().unwrap_or_else(|| Tag::genesis(self.log));
        Position { log_id: self.log, revision: Revision::new(self.operations.len() as u64), tag }
    }

    fn next(&self) -> Revision {
        self.head().revision.next()
    }

    fn append(&mut self, category: Category, what: Value) {
        let mut operation = what;
        let tag = self.head().tag.chain(operation.to_string().as_bytes());
        operation["revision"] = json!(self.next());
        operation["tag"] = json!(tag);
        operation["category"] = json!(category);
        operation["created_at"] = json!(1);
        self.operations.push(operation);
        self.tags.push(tag);
    }

    fn tell(&mut self, payload: &Payload) {
        self.append(payload.category(), serde_json::to_value(payload).unwrap());
    }

    /// Something that clients do not know yet, and what it did to the settings.
    pub(crate) fn do_something_new(&mut self, value: u8) {
        let setting = Setting {
            device: None,
            key: "new".to_owned(),
            value: Some(value.to_string()),
            version: self.next(),
        };
        self.settings.insert(setting.key.clone(), setting);
        self.append(Category::Settings, json!({ "type": "DO_SOMETHING_NEW", "payload": { "value": value } }));
    }

    pub(crate) fn set(&mut self, key: &str, value: Option<u8>) {
        let value = value.map(|value| value.to_string());
        let setting = Setting { device: None, key: key.to_owned(), value, version: self.next() };
        self.settings.insert(key.to_owned(), setting.clone());
        self.tell(&Payload::UpdateSettings(setting));
    }

    pub(crate) fn rename(&mut self, name: &str) {
        self.profile = Profile { name: name.to_owned(), version: self.next(), ..Profile::default() };
        self.tell(&Payload::UpdateProfile(self.profile.clone()));
    }

    pub(crate) fn add_contact(&mut self, other: AccountId) {
        let (relation, version) = (Relation::Added, self.next());
        let contact = Contact { account: other, relation, version, ..Contact::default() };
        self.contacts.insert(other, contact.clone());
        self.tell(&Payload::AddContact(contact));
    }

    pub(crate) fn remove_contact(&mut self, other: AccountId) {
        self.contacts.remove(&other);
        self.tell(&Payload::DeleteContact(ContactRemoved { account: other, version: self.next() }));
    }

    /// Why a device at this position cannot go on, if so.
    pub(crate) fn refuses(&self, position: Option<Position>, limit: u64) -> Option<FullSyncReason> {
        let Some(position) = position else { return Some(FullSyncReason::Initialization) };
        let (head, revision) = (self.head(), position.revision.get());
        if position.log_id != self.log || position.revision > head.revision {
            return Some(FullSyncReason::Continuity);
        }
        let tag = match revision.checked_sub(1) {
            None => Tag::genesis(self.log),
            Some(index) => self.tags[index as usize],
        };
        if tag != position.tag {
            return Some(FullSyncReason::Continuity);
        }
        (head.revision.get() - revision > limit).then_some(FullSyncReason::Gap)
    }

    pub(crate) fn full_sync(&self, reason: FullSyncReason) -> Value {
        json!({
            "frame": "full_sync", "reason": reason, "categories": Category::ALL,
            "position": self.head(), "resume_token": self.head().revision.to_string(),
        })
    }

    /// A frame of operations after this revision, at most so many.
    pub(crate) fn frame(&self, after: u64, most: usize) -> Option<Value> {
        let found: Vec<_> = self.operations.iter().skip(after as usize).take(most).cloned().collect();
        (!found.is_empty()).then(|| json!({ "frame": "operations", "log_id": self.log, "operations": found }))
    }
}

impl Server {
    pub(crate) fn register(&mut self, who: AccountId, name: &str) {
        let mut account = Account { log: LogId::derived("log", &[who.as_bytes()]), ..Account::default() };
        account.rename(name);
        self.accounts.insert(who, account);
    }

    pub(crate) fn account(&mut self, who: AccountId) -> &mut Account {
        self.accounts.get_mut(&who).unwrap()
    }

    pub(crate) fn send(
        &mut self,
        from: AccountId,
        to: AccountId,
        text: &str,
        key: Option<String>,
    ) -> SendAnswer {
        let known = key.clone().and_then(|key| self.keys.get(&(from, key)).cloned());
        if let Some(answer) = known.filter(|_| !self.forgets_keys) {
            return answer;
        }
        let id = ChatId::direct(from, to);
        let chat = self.chats.entry(id).or_default();
        chat.last += 1;
        let seq = Seq::new(chat.last);
        let content = Some(Content::Text(Text { text: text.to_owned() }));
        let message = Message { chat: id, seq, sender: from, sent_at: 1, content, ..Message::default() };
        chat.messages.insert(seq, HistoryMessage { message: message.clone(), key: key.clone() });
        for (whose, peer) in [(from, to), (to, from)] {
            let account = self.account(whose);
            let standing = account.standings.entry(id).or_default();
            (standing.membership, standing.peer) = (Membership::Joined, Some(peer));
            let message = message.clone();
            if whose == to {
                standing.n += 1;
                let n = standing.n;
                account.tell(&Payload::ReceiveMessage(MessageReceived { message, n, peer: Some(peer) }));
            } else {
                let (key, device) = (key.clone(), DeviceId::default());
                account.tell(&Payload::SendMessage(MessageSent { message, key, device, peer: Some(peer) }));
            }
        }
        let answer = SendAnswer { chat: id, seq, sent_at: 1 };
        self.keys.extend(key.map(|key| ((from, key), answer.clone())));
        answer
    }

    /// The newest message but `back`.
    fn pick(&self, chat: ChatId, back: usize) -> Option<Seq> {
        self.chats.get(&chat)?.messages.keys().rev().nth(back).copied()
    }

    fn event(&mut self, chat: ChatId) -> Seq {
        let chat = self.chats.entry(chat).or_default();
        chat.last += 1;
        Seq::new(chat.last)
    }

    pub(crate) fn unsend(&mut self, me: AccountId, other: AccountId, back: usize) {
        let chat = ChatId::direct(me, other);
        let Some(seq) = self.pick(chat, back) else { return };
        let version = self.event(chat);
        self.chats.get_mut(&chat).unwrap().messages.get_mut(&seq).unwrap().message.blank(version);
        let unsent = MessageUnsent { chat, seq, version };
        self.account(me).tell(&Payload::UnsendMessage(unsent.clone()));
        self.account(other).tell(&Payload::NotifiedUnsendMessage(unsent));
    }

    pub(crate) fn react(&mut self, me: AccountId, other: AccountId, back: usize, emoji: Option<&str>) {
        let chat = ChatId::direct(me, other);
        let Some(seq) = self.pick(chat, back) else { return };
        let version = self.event(chat);
        let message = &mut self.chats.get_mut(&chat).unwrap().messages.get_mut(&seq).unwrap().message;
        if message.unsent.is_some() {
            return;
        }
        let emoji = emoji.map(str::to_owned);
        message.reactions.retain(|reaction| reaction.account != me);
        message.reactions.extend(emoji.clone().map(|emoji| Reaction { account: me, emoji, version }));
        message.reactions.sort_by_key(|reaction| reaction.account);
        let reacted = MessageReacted { chat, seq, account: me, emoji, version };
        self.account(me).tell(&Payload::SendReaction(reacted.clone()));
        self.account(other).tell(&Payload::NotifiedSendReaction(reacted));
    }

    pub(crate) fn read(&mut self, me: AccountId, other: AccountId) {
        let chat = ChatId::direct(me, other);
        let Some(seq) = self.pick(chat, 0) else { return };
        let account = self.account(me);
        let standing = account.standings.entry(chat).or_default();
        if seq > standing.read {
            (standing.read, standing.read_n) = (seq, standing.n);
            let read_n = standing.read_n;
            account.tell(&Payload::SendChatChecked(ChatChecked { chat, seq, read_n }));
        }
    }

    /// A page of one item.
    pub(crate) fn page(&self, who: AccountId, category: Category, after: Option<&str>) -> Value {
        let account = &self.accounts[&who];
        // By immutable id, so that what changes between two pages moves nothing from one to the other.
        let items: BTreeMap<String, Value> = match category {
            Category::Profile => [(String::new(), json!(account.profile))].into(),
            Category::Settings => {
                let standing = account.settings.values().filter(|setting| setting.value.is_some());
                standing.map(|setting| (setting.key.replace(' ', "-"), json!(setting))).collect()
            }
            Category::Contacts => {
                account.contacts.iter().map(|(id, known)| (id.to_string(), json!(known))).collect()
            }
            Category::Chats => {
                let item = |(id, standing): (&ChatId, _)| (id.to_string(), chat_item(who, *id, standing));
                account.standings.iter().map(item).collect()
            }
            Category::Messages => {
                let item = |id: &ChatId| (id.to_string(), json!(self.history(*id, None, SHOWN)));
                account.standings.keys().map(item).collect()
            }
        };
        let mut items = items.into_iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        let first = items.next();
        let next = first.as_ref().filter(|_| items.next().is_some()).map(|(id, _)| id.clone());
        let items: Vec<_> = first.into_iter().map(|(_, item)| item).collect();
        let mut page = json!({ "category": category, "position": account.head(), "items": items });
        if let Some(next) = next {
            page["next"] = json!(next);
        }
        page
    }

    pub(crate) fn history(&self, chat: ChatId, before: Option<Seq>, most: usize) -> History {
        let messages = self.chats.get(&chat).map(|known| &known.messages);
        let earlier =
            messages.into_iter().flatten().filter(|(seq, _)| before.is_none_or(|before| **seq < before));
        let mut found: Vec<HistoryMessage> = earlier.map(|(_, message)| message.clone()).collect();
        let all = found.len() <= most;
        found = found.split_off(found.len().saturating_sub(most));
        let first = found.first().map_or(Seq::new(1), |message| message.message.seq);
        History { chat, messages: found, complete_from: if all { Seq::new(1) } else { first } }
    }
}

fn chat_item(me: AccountId, chat: ChatId, standing: &Standing) -> Value {
    let member = |account| Member { account, membership: Membership::Joined, ..Member::default() };
    let mut members: Vec<_> = [Some(me), standing.peer].into_iter().flatten().map(member).collect();
    members.sort_by_key(|member| member.account);
    let (kind, name, join, version) = (ChatKind::Direct, String::new(), JoinPolicy::Invite, Seq::ZERO);
    let state = ChatState { chat, kind, name, join, version, members };
    json!(ChatItem { state, standing: standing.clone(), last_message: Seq::ZERO, last_at: 1 })
}
