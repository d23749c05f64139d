//! A recording in memory, and a place in it that is worth damaging.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The lines of every file, by its name.
#[derive(Clone, PartialEq)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<Value>>);

impl Files {
    pub(crate) fn read(directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        for folder in ["", "devices", "fresh"] {
            for entry in fs::read_dir(directory.join(folder)).expect("a recording") {
                let path = entry.expect("an entry").path();
                if path.is_file() {
                    let name = path.strip_prefix(directory).expect("it is below").display().to_string();
                    let text = fs::read_to_string(&path).expect("lines");
                    let line = |line: &str| serde_json::from_str(line).expect("a line is JSON");
                    files.insert(name, text.lines().map(line).collect());
                }
            }
        }
        Self(files)
    }

    pub(crate) fn write(&self, directory: &Path) {
        for (name, lines) in &self.0 {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory is made");
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            fs::write(path, text).expect("lines are written");
        }
    }

    /// Every operation of a device, in the order in which it came.
    pub(crate) fn operations(&self, device: &str) -> Vec<&Value> {
        let lines = self.0[device].iter();
        lines.flat_map(|line| line["frame"]["operations"].as_array().into_iter().flatten()).collect()
    }

    /// Changes the operations of a device: what is given instead of each, which may be none or several.
    pub(crate) fn replace(&mut self, device: &str, mut by: impl FnMut(Value) -> Vec<Value>) {
        for line in self.0.get_mut(device).expect("a device") {
            if let Some(operations) = line.pointer_mut("/frame/operations").and_then(Value::as_array_mut) {
                *operations = operations.drain(..).flat_map(&mut by).collect();
            }
        }
    }

    /// The files of somebody with one device: the device's, and that of the end.
    pub(crate) fn of(&mut self, told: &Somebody) -> impl Iterator<Item = &mut Value> {
        let names = [told.device.clone(), told.fresh.clone()];
        self.0.iter_mut().filter(move |(name, _)| names.contains(name)).flat_map(|(_, lines)| lines)
    }
}

/// Calls `look` with every object in a value, the inner ones first.
pub(crate) fn each(value: &mut Value, look: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|value| each(value, look));
            look(object);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, look)),
        _ => {}
    }
}

/// Somebody with one device, whose log so is what that device received.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) account: String,
    pub(crate) device: String,
    pub(crate) fresh: String,
}

/// A message in a group that somebody was told, and somebody who was never in that group.
pub(crate) struct Told {
    pub(crate) member: Somebody,
    pub(crate) outsider: Somebody,
    pub(crate) chat: String,
    pub(crate) seq: u64,
    /// At which revision of the member's log.
    pub(crate) revision: u64,
    /// The operation itself.
    pub(crate) operation: Value,
}

impl Told {
    /// One that its reader still has at the end, with another message of the same group right after it in the log.
    pub(crate) fn find(files: &Files) -> Self {
        let people = single(files);
        let heard: BTreeMap<&str, BTreeSet<String>> =
            people.iter().map(|one| (one.account.as_str(), chats(files, one))).collect();
        for member in &people {
            let operations = files.operations(&member.device);
            for pair in operations.windows(2) {
                let (operation, next) = (pair[0], pair[1]);
                let (Some(chat), Some(after)) = (group_of(operation), group_of(next)) else { continue };
                let seq = operation["payload"]["message"]["seq"].as_u64().expect("a seq");
                let outsider = people.iter().find(|other| !heard[other.account.as_str()].contains(chat));
                let (true, Some(outsider)) = (chat == after && is_kept(files, member, (chat, seq)), outsider)
                else {
                    continue;
                };
                return Self {
                    member: member.clone(),
                    outsider: outsider.clone(),
                    chat: chat.to_owned(),
                    seq,
                    revision: operation["revision"].as_u64().expect("a revision"),
                    operation: operation.clone(),
                };
            }
        }
        panic!("nobody was told two messages of a group one after the other")
    }
}

/// The people with one device.
fn single(files: &Files) -> Vec<Somebody> {
    let mut devices: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (name, lines) in files.0.iter().filter(|(name, _)| name.starts_with("devices/")) {
        devices.entry(lines[0]["account"].as_str().expect("an account")).or_default().push(name);
    }
    let alone = devices.into_iter().filter(|(_, devices)| devices.len() == 1);
    let somebody = |(account, devices): (&str, Vec<&String>)| Somebody {
        account: account.to_owned(),
        device: devices[0].clone(),
        fresh: format!("fresh/{account}.ndjson"),
    };
    alone.map(somebody).collect()
}

/// Every chat of which somebody was told anything.
fn chats(files: &Files, one: &Somebody) -> BTreeSet<String> {
    let mut chats = BTreeSet::new();
    for name in [&one.device, &one.fresh] {
        for line in &files.0[name] {
            each(&mut line.clone(), &mut |object| {
                chats.extend(object.get("chat").and_then(Value::as_str).map(str::to_owned));
            });
        }
    }
    chats
}

/// The group in which somebody else said something, with this operation.
fn group_of(operation: &Value) -> Option<&str> {
    let payload = &operation["payload"];
    let said = operation["type"] == "RECEIVE_MESSAGE" && payload["message"]["content"]["text"].is_string();
    if said && payload["peer"].is_null() { payload["message"]["chat"].as_str() } else { None }
}

/// Whether a message stands in somebody's history at the end, with its text.
fn is_kept(files: &Files, one: &Somebody, (chat, seq): (&str, u64)) -> bool {
    let pages = files.0[&one.fresh].iter().filter(|line| line["what"] == "history");
    pages.filter(|line| line["page"]["chat"] == chat).any(|line| {
        let messages = line["page"]["messages"].as_array();
        let stands = |message: &Value| message["seq"] == seq && message["content"]["text"].is_string();
        messages.is_some_and(|messages| messages.iter().any(stands))
    })
}
