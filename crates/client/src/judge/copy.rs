//! H8, and the heads of H6: what each device made of its frames, by rules written down here once more, beside what a device
//! with nothing is given at the end.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Verdict;
use super::recording::{list, number, operations, text};

/// A copy, by category and object; values are what is compared.
#[derive(Default)]
pub(super) struct Copy {
    position: (String, u64, String),
    /// Counts of each chat: received, read, received at the mark.
    marks: BTreeMap<String, (u64, u64, u64)>,
    /// Messages by chat and seq.
    messages: BTreeMap<String, BTreeMap<u64, Value>>,
    /// From where the messages of a chat are complete.
    complete: BTreeMap<String, u64>,
    /// Contacts by account.
    contacts: BTreeMap<String, Value>,
    profile: Value,
    /// Settings by device and key.
    settings: BTreeMap<(String, String), Value>,
    /// Groups: name, how one comes in, who is invited or in it.
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Group {
    name: String,
    join: String,
    members: BTreeMap<String, String>,
}

/// What a device makes of its lines: pages up to a `stored`, then operations on top of it, and so on.
#[derive(Default)]
pub(super) struct Replayed {
    copy: Copy,
    /// Of a FullSync that is not stored yet.
    pages: Vec<Value>,
}

impl Replayed {
    pub(super) fn take(&mut self, line: &Value, me: &str) {
        match text(line, "what") {
            "frame" if line.pointer("/frame/frame").and_then(Value::as_str) == Some("full_sync") => {
                self.pages.clear();
            }
            "page" => self.pages.extend(line.get("page").cloned()),
            "stored" => {
                self.copy = Copy::default();
                for page in self.pages.drain(..) {
                    self.copy.take_page(&page);
                }
                self.copy.stand_at(line.get("position").unwrap_or(&Value::Null));
            }
            _ => {}
        }
        let Some((log, operations)) = operations(line) else { return };
        for operation in operations {
            self.copy.take_operation(operation, me);
            let (revision, tag) = (number(operation, "revision"), text(operation, "tag"));
            self.copy.position = (log.to_owned(), revision, tag.to_owned());
        }
    }

    /// Compares what came of it with what a device with nothing is given.
    pub(super) fn judge(&self, device: &str, fresh: &Copy, verdict: &mut Verdict) {
        verdict.looked_at.copies += 1;
        let mine = &self.copy;
        if mine.position != fresh.position {
            let guarantee = if mine.position.1 > fresh.position.1 { "H6" } else { "H8" };
            verdict.violated(guarantee, || {
                format!("{device} stands at {:?}, the end is {:?}", mine.position, fresh.position)
            });
        }
        compare(device, mine, fresh, verdict);
    }
}

fn compare(device: &str, mine: &Copy, fresh: &Copy, verdict: &mut Verdict) {
    let mut differ = |what: &str, left: &dyn std::fmt::Debug, right: &dyn std::fmt::Debug| {
        verdict.violated("H8", || format!("{device}: {what}: {left:?}, fresh {right:?}"));
    };
    if mine.profile != fresh.profile {
        differ("profile", &mine.profile, &fresh.profile);
    }
    if mine.contacts != fresh.contacts {
        differ("contacts", &mine.contacts, &fresh.contacts);
    }
    if mine.settings != fresh.settings {
        differ("settings", &mine.settings, &fresh.settings);
    }
    if mine.groups != fresh.groups {
        differ("groups", &mine.groups, &fresh.groups);
    }
    for chat in mine.marks.keys().chain(fresh.marks.keys()) {
        if mine.marks.get(chat) != fresh.marks.get(chat) {
            differ(&format!("counts of {chat}"), &mine.marks.get(chat), &fresh.marks.get(chat));
        }
    }
    for chat in mine.messages.keys().chain(fresh.messages.keys()) {
        let from = |copy: &Copy| copy.complete.get(chat).copied().unwrap_or_default();
        let from = from(mine).max(from(fresh));
        let since = |copy: &Copy| -> Vec<(u64, Value)> {
            let messages = copy.messages.get(chat).into_iter().flatten();
            messages.filter(|(seq, _)| **seq >= from).map(|(seq, message)| (*seq, message.clone())).collect()
        };
        let (left, right) = (since(mine), since(fresh));
        if left != right {
            differ(&format!("messages of {chat} from {from}"), &left, &right);
        }
    }
}

impl Copy {
    pub(super) fn stand_at(&mut self, position: &Value) {
        let (log, tag) = (text(position, "log_id"), text(position, "tag"));
        self.position = (log.to_owned(), number(position, "revision"), tag.to_owned());
    }

    /// The read mark of a chat that one is in.
    pub(super) fn read(&self, chat: &str) -> Option<u64> {
        self.marks.get(chat).map(|marks| marks.1)
    }

    pub(super) fn take_page(&mut self, page: &Value) {
        for item in list(page, "items") {
            match text(page, "category") {
                "profile" => self.profile = item.clone(),
                "contacts" => {
                    self.contacts.insert(text(item, "account").to_owned(), item.clone());
                }
                "settings" => self.take_setting(item),
                "chats" => {
                    if text(item, "kind") == "group" {
                        self.take_group(item);
                    }
                    let standing = item.get("standing").unwrap_or(&Value::Null);
                    let marks = (number(standing, "n"), number(standing, "read"), number(standing, "read_n"));
                    self.marks.insert(text(item, "chat").to_owned(), marks);
                }
                "messages" => {
                    let chat = text(item, "chat").to_owned();
                    self.complete.insert(chat.clone(), number(item, "complete_from"));
                    let messages = list(item, "messages");
                    let kept = self.messages.entry(chat).or_default();
                    kept.extend(messages.map(|message| (number(message, "seq"), message.clone())));
                }
                _ => {}
            }
        }
    }

    fn take_operation(&mut self, operation: &Value, me: &str) {
        let nothing = json!({});
        let payload = operation.get("payload").unwrap_or(&nothing);
        match text(operation, "type") {
            "SEND_MESSAGE" | "RECEIVE_MESSAGE" => self.take_message(payload, me),
            "SEND_CHAT_CHECKED" => {
                let marks = self.marks.entry(text(payload, "chat").to_owned()).or_default();
                if number(payload, "seq") > marks.1 {
                    (marks.1, marks.2) = (number(payload, "seq"), number(payload, "read_n"));
                }
            }
            "UNSEND_MESSAGE" | "NOTIFIED_UNSEND_MESSAGE" => {
                if let Some(message) = self.message(payload).and_then(Value::as_object_mut) {
                    for gone in ["content", "reply_to", "mentions", "reactions"] {
                        message.remove(gone);
                    }
                    message.insert("unsent".to_owned(), json!(number(payload, "version")));
                }
            }
            "SEND_REACTION" | "NOTIFIED_SEND_REACTION" => self.take_reaction(payload),
            "UPDATE_SETTINGS" => self.take_setting(payload),
            "UPDATE_PROFILE" => self.profile = payload.clone(),
            "DELETE_CONTACT" => {
                self.contacts.remove(text(payload, "account"));
            }
            "ADD_CONTACT"
            | "UPDATE_CONTACT"
            | "BLOCK_CONTACT"
            | "UNBLOCK_CONTACT"
            | "NOTIFIED_ADD_CONTACT"
            | "NOTIFIED_UPDATE_PROFILE" => self.take_contact(payload),
            _ => self.take_change(payload),
        }
    }

    fn take_message(&mut self, payload: &Value, me: &str) {
        let Some(message) = payload.get("message") else { return };
        let (chat, seq) = (text(message, "chat").to_owned(), number(message, "seq"));
        let marks = self.marks.entry(chat.clone()).or_default();
        if text(message, "sender") != me {
            let n = number(payload, "n");
            marks.0 = marks.0.max(n);
            if seq <= marks.1 {
                marks.2 = marks.2.max(n);
            }
        }
        if seq < self.complete.get(&chat).copied().unwrap_or_default() {
            return;
        }
        let mut message = message.clone();
        if let (Some(key), Some(object)) = (payload.get("key"), message.as_object_mut()) {
            object.insert("key".to_owned(), key.clone());
        }
        self.messages.entry(chat).or_default().entry(seq).or_insert(message);
    }

    fn message(&mut self, payload: &Value) -> Option<&mut Value> {
        self.messages.get_mut(text(payload, "chat"))?.get_mut(&number(payload, "seq"))
    }

    fn take_reaction(&mut self, payload: &Value) {
        let account = text(payload, "account").to_owned();
        let Some(message) = self.message(payload).and_then(Value::as_object_mut) else { return };
        if message.contains_key("unsent") {
            return;
        }
        let mut reactions =
            message.remove("reactions").and_then(|known| known.as_array().cloned()).unwrap_or_default();
        reactions.retain(|known| text(known, "account") != account);
        if let Some(emoji) = payload.get("emoji").filter(|emoji| !emoji.is_null()) {
            reactions
                .push(json!({ "account": account, "emoji": emoji, "version": number(payload, "version") }));
        }
        reactions.sort_by(|a, b| text(a, "account").cmp(text(b, "account")));
        if !reactions.is_empty() {
            message.insert("reactions".to_owned(), Value::Array(reactions));
        }
    }

    fn take_contact(&mut self, contact: &Value) {
        let account = text(contact, "account").to_owned();
        let gone = text(contact, "relation") == "none" && contact.get("blocked") != Some(&Value::Bool(true));
        if gone {
            self.contacts.remove(&account);
        } else {
            self.contacts.insert(account, contact.clone());
        }
    }

    fn take_setting(&mut self, setting: &Value) {
        let place = (text(setting, "device").to_owned(), text(setting, "key").to_owned());
        match setting.get("value").filter(|value| !value.is_null()) {
            Some(_) => self.settings.insert(place, setting.clone()),
            None => self.settings.remove(&place),
        };
    }

    /// The whole state of a group.
    fn take_group(&mut self, state: &Value) {
        let group = self.groups.entry(text(state, "chat").to_owned()).or_default();
        (group.name, group.join) = (text(state, "name").to_owned(), text(state, "join").to_owned());
        group.members.clear();
        group.take_members(state);
    }

    /// A change of a group: its whole state, its title, who is in it, one's own standing.
    fn take_change(&mut self, payload: &Value) {
        let (chat, seq) = (text(payload, "chat").to_owned(), number(payload, "seq"));
        if let Some(state) = payload.get("state") {
            self.take_group(state);
        }
        if let Some(group) = self.groups.get_mut(&chat) {
            group.take_members(payload);
            if let Some(title) = payload.get("title") {
                (group.name, group.join) = (text(title, "name").to_owned(), text(title, "join").to_owned());
            }
        }
        let Some(standing) = payload.get("standing") else { return };
        match text(standing, "membership") {
            "gone" => {
                self.marks.remove(&chat);
                self.messages.remove(&chat);
                self.complete.remove(&chat);
                self.groups.remove(&chat);
            }
            membership => {
                let marks = (number(standing, "n"), number(standing, "read"), number(standing, "read_n"));
                self.marks.insert(chat.clone(), marks);
                if membership == "joined" {
                    self.messages.remove(&chat);
                    self.complete.insert(chat, seq);
                }
            }
        }
    }
}

impl Group {
    fn take_members(&mut self, state: &Value) {
        for member in list(state, "members") {
            let (account, membership) = (text(member, "account").to_owned(), text(member, "membership"));
            if membership == "gone" {
                self.members.remove(&account);
            } else {
                self.members.insert(account, membership.to_owned());
            }
        }
    }
}
