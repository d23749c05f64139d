//! How an account stands at the end: what a device with nothing was given, and its whole history.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::recording::{number, text};

/// The end of one account.
#[derive(Default)]
pub(super) struct Ending {
    /// Messages by chat and seq.
    pub(super) messages: BTreeMap<(String, u64), Value>,
    /// How often each text stands there.
    pub(super) texts: HashMap<String, u64>,
    /// Who is in which group, and since which seq.
    pub(super) members: HashMap<String, BTreeMap<String, u64>>,
    end: (String, u64),
}

impl Ending {
    pub(super) fn read(lines: &[Value]) -> Self {
        let mut ending = Self::default();
        for line in lines {
            let page = line.get("page").unwrap_or(&Value::Null);
            match text(line, "what") {
                "history" => ending.history(page),
                "page" if text(page, "category") == "chats" => ending.chats(page),
                "stored" => {
                    let position = line.get("position").unwrap_or(&Value::Null);
                    ending.end = (text(position, "log_id").to_owned(), number(position, "revision"));
                }
                _ => {}
            }
        }
        ending
    }

    /// The log, and its last revision.
    pub(super) fn end(&self) -> (&str, u64) {
        (&self.end.0, self.end.1)
    }

    fn history(&mut self, page: &Value) {
        for message in page.get("messages").and_then(Value::as_array).into_iter().flatten() {
            let place = (text(page, "chat").to_owned(), number(message, "seq"));
            if self.messages.insert(place, message.clone()).is_none() {
                let said = message.pointer("/content/text").and_then(Value::as_str);
                *self.texts.entry(said.unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
    }

    fn chats(&mut self, page: &Value) {
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
        for item in items.filter(|item| text(item, "kind") == "group") {
            let members = item.get("members").and_then(Value::as_array).into_iter().flatten();
            let joined = members.filter(|member| text(member, "membership") == "joined");
            let since = joined.map(|member| (text(member, "account").to_owned(), number(member, "version")));
            self.members.insert(text(item, "chat").to_owned(), since.collect());
        }
    }
}
