//! The directory: names that only one may have. Handles of accounts, and the short codes that link a device.

pub mod handle;
pub mod link;

use denrei_model::effects::Effects;
use denrei_model::record::{Fact, Record};
use denrei_model::row::{Change, Key, NameKey, NameRow, Row};
use denrei_storage::shard::Fetch;

use crate::command::Facts;
use crate::entity::{Entity, PartWork, Work};
use crate::rows::Rows;

/// State of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name, its kind before it.
    pub name: String,
    /// Absent while it is free.
    pub row: Option<NameRow>,
}

#[expect(private_interfaces, reason = "parts are made by the runtime alone")]
impl Entity for Name {
    type Id = String;

    fn core(id: &String) -> Fetch {
        Fetch { keys: vec![NameKey { name: id.clone() }.into()], scans: Vec::new() }
    }

    fn part(work: Box<dyn Work<Self>>) -> PartWork {
        PartWork::Name(work)
    }

    fn empty(id: String) -> Self {
        Self { name: id, row: None }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(Key::Name(key), row) if key.name == self.name => {
                if let Row::Name(row) = &**row {
                    self.row = Some(row.clone());
                }
            }
            Change::Delete(Key::Name(key)) if key.name == self.name => self.row = None,
            _ => {}
        }
    }
}

/// A handle as a name of the directory.
#[must_use]
pub fn handle_name(handle: &str) -> String {
    format!("handle:{handle}")
}

/// What a link code begins with as a name of the directory.
const LINK: &str = "link:";

/// A link code as a name of the directory.
#[must_use]
pub fn link_name(code: &str) -> String {
    format!("{LINK}{code}")
}

/// A name as logs and admins may see it. Whoever knows a link code gets into the account, so codes are left out.
pub(crate) fn shown_name(name: &str) -> &str {
    if name.starts_with(LINK) { "link:…" } else { name }
}

/// What a name makes of a record.
pub(crate) fn hear(record: &Record, name: &Name, _: &Rows, _: &Facts) -> Effects {
    match &record.fact {
        Some(Fact::Released(fact)) => handle::released(fact, name),
        _ => Effects::default(),
    }
}
