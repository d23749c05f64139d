//! How an account stands at the end: what a device with nothing was given, and its whole history.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::copy::Copy;
use super::event::said_by;
use super::recording::{Lines, ReadingError, list, number, text};

/// The end of one account.
#[derive(Default)]
pub(super) struct Ending {
    /// What a device with nothing makes of it.
    pub(super) copy: Copy,
    /// Messages by chat and seq.
    pub(super) messages: BTreeMap<(String, u64), Value>,
    /// How often each text stands there.
    pub(super) texts: HashMap<String, u64>,
    /// Who is in which group, and since which seq.
    pub(super) members: HashMap<String, BTreeMap<String, u64>>,
    end: (String, u64),
}

impl Ending {
    pub(super) fn read(lines: Lines) -> Result<Self, ReadingError> {
        let mut ending = Self::default();
        for line in lines {
            ending.take(&line?);
        }
        Ok(ending)
    }

    fn take(&mut self, line: &Value) {
        let page = line.get("page").unwrap_or(&Value::Null);
        match text(line, "what") {
            "history" => self.history(page),
            "page" => {
                self.copy.take_page(page);
                if text(page, "category") == "chats" {
                    self.chats(page);
                }
            }
            "stored" => {
                let position = line.get("position").unwrap_or(&Value::Null);
                self.copy.stand_at(position);
                self.end = (text(position, "log_id").to_owned(), number(position, "revision"));
            }
            _ => {}
        }
    }

    /// The log, and its last revision.
    pub(super) fn end(&self) -> (&str, u64) {
        (&self.end.0, self.end.1)
    }

    /// Since when an account is in a group that this one is in, or sees.
    pub(super) fn since(&self, chat: &str, account: &str) -> Option<u64> {
        self.members.get(chat)?.get(account).copied()
    }

    fn history(&mut self, page: &Value) {
        for message in list(page, "messages") {
            let place = (text(page, "chat").to_owned(), number(message, "seq"));
            if self.messages.insert(place, message.clone()).is_none() {
                *self.texts.entry(said_by(message).to_owned()).or_default() += 1;
            }
        }
    }

    fn chats(&mut self, page: &Value) {
        for item in list(page, "items").filter(|item| text(item, "kind") == "group") {
            let joined = list(item, "members").filter(|member| text(member, "membership") == "joined");
            let since = joined.map(|member| (text(member, "account").to_owned(), number(member, "version")));
            self.members.insert(text(item, "chat").to_owned(), since.collect());
        }
    }
}
