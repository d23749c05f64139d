//! The chatroom: decides what happens in a conversation and in which order, and tells its members.
//!
//! Every event takes the next seq: messages, unsends, reactions, invitations, joins, renames. A message's life here:
//! `send` → a row, and one record for each shard that has members.

pub mod answer;
pub mod create;
pub mod invite;
pub mod join;
pub mod leave;
pub mod react;
pub mod remove;
pub mod send;
pub mod unsend;
pub mod update;

pub(crate) mod tell_reads;

mod event;
mod mark;

use std::collections::BTreeMap;

use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId};
use denrei_model::record::{Fact, Record};
use denrei_model::row::{Change, ChatKey, ChatRow, Key, KeyRange, MemberKey, MemberRow, Row};
use denrei_model::shard::Shard;
use denrei_storage::shard::{Fetch, Scan};

pub use event::{ChatEvent, ChatRefused};

use crate::command::Facts;
use crate::entity::{Entity, PartWork, Work};
use crate::rows::Rows;

/// Most people in a group, those invited included.
pub const MAX_MEMBERS: usize = 500;

/// State of an active chat.
#[derive(Clone, Debug, PartialEq)]
pub struct Chatroom {
    /// Which.
    pub id: ChatId,
    /// Absent until it is made.
    pub row: Option<Box<ChatRow>>,
    /// Everyone invited or joined.
    pub members: BTreeMap<AccountId, MemberRow>,
}

#[expect(private_interfaces, reason = "parts are made by the runtime alone")]
impl Entity for Chatroom {
    type Id = ChatId;

    fn core(id: &ChatId) -> Fetch {
        let member = |account| MemberKey { chat: *id, account };
        let members = KeyRange::new(member(AccountId::default()), member(AccountId::MAX));
        Fetch {
            keys: vec![ChatKey { chat: *id }.into()],
            scans: vec![Scan::forward(members, 2 * MAX_MEMBERS)],
        }
    }

    fn part(work: Box<dyn Work<Self>>) -> PartWork {
        PartWork::Chat(work)
    }

    fn empty(id: ChatId) -> Self {
        Self { id, row: None, members: BTreeMap::new() }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(key, row) => match (key, &**row) {
                (Key::Chat(key), Row::Chat(row)) if key.chat == self.id => {
                    self.row = Some(Box::new(row.clone()));
                }
                (Key::Member(key), Row::Member(row)) if key.chat == self.id => {
                    self.members.insert(key.account, row.clone());
                }
                _ => {}
            },
            Change::Delete(Key::Member(key)) if key.chat == self.id => {
                self.members.remove(&key.account);
            }
            Change::Delete(_) => {}
        }
    }
}

/// The rows that a chat looks at to take up a record, besides its core.
pub(crate) fn needs(record: &Record, shard: Shard) -> Fetch {
    match &record.fact {
        Some(Fact::Mark(fact)) => tell_reads::needs(fact.chat, shard),
        _ => Fetch::default(),
    }
}

/// What a chat makes of a record.
pub(crate) fn hear(record: &Record, chat: &Chatroom, rows: &Rows, facts: &Facts) -> Effects {
    match &record.fact {
        Some(Fact::Mark(fact)) => mark::moved(fact, chat, rows, facts),
        _ => Effects::default(),
    }
}
