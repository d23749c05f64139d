//! A desk where commands are decided one after the other on a map of rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use denrei_actors::account::Account;
use denrei_actors::chatroom::Chatroom;
use denrei_actors::entity::{Entity, EntityRef};
use denrei_actors::name::Name;
use denrei_actors::rows::Rows;
use denrei_actors::{Command, Facts};
use denrei_model::clock::Timestamp;
use denrei_model::effects::Effects;
use denrei_model::id::{AccountId, ChatId, DeviceId, LogId};
use denrei_model::operation::{Payload, Profile};
use denrei_model::record::Fact;
use denrei_model::row::{AccountKey, AccountRow, Change, HeadKey, HeadRow, Key, Row, TableKey};
use denrei_model::shard::{Shard, ShardMap};
use denrei_storage::shard::{Fetch, Scan};

/// 2026-11-24T12:00:00Z.
const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);

/// Which entity of its kind.
pub(crate) trait Of: Entity {
    fn of(entity: EntityRef) -> Self;
}

impl Of for Account {
    fn of(entity: EntityRef) -> Self {
        let EntityRef::Account(id) = entity else { panic!("{entity:?} is no account") };
        Self::empty(id)
    }
}

impl Of for Chatroom {
    fn of(entity: EntityRef) -> Self {
        let EntityRef::Chat(id) = entity else { panic!("{entity:?} is no chat") };
        Self::empty(id)
    }
}

impl Of for Name {
    fn of(entity: EntityRef) -> Self {
        let EntityRef::Name(name) = entity else { panic!("{entity:?} is no name") };
        Self::empty(name)
    }
}

pub(crate) struct Desk {
    pub(crate) rows: BTreeMap<Key, Arc<Row>>,
    pub(crate) now: Timestamp,
    /// What the last decision wanted.
    pub(crate) effects: Effects,
}

pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 16])
}

pub(crate) fn chat() -> ChatId {
    ChatId::from_bytes([200; 16])
}

impl Desk {
    /// A desk that knows accounts 1 to `people`.
    pub(crate) fn with_people(people: u8) -> Self {
        let mut desk = Self { rows: BTreeMap::new(), now: NOON, effects: Effects::default() };
        for number in 1..=people {
            let account = account(number);
            let profile = Profile { name: format!("person {number}"), ..Profile::default() };
            desk.put(AccountKey { account }, AccountRow { profile, ..AccountRow::default() });
            let log_id = LogId::from_bytes([number; 16]);
            desk.put(HeadKey { account }, HeadRow { log_id, ..HeadRow::default() });
        }
        desk
    }

    pub(crate) fn put<K: TableKey>(&mut self, key: K, row: K::Row) {
        self.rows.insert(key.into(), Arc::new(K::wrap(row)));
    }

    pub(crate) fn row<K: TableKey>(&self, key: K) -> Option<K::Row> {
        self.rows.get(&key.into()).and_then(|row| K::row(row)).cloned()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// Decides and, if granted, writes.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "asked is asked: the runtime takes commands by value too"
    )]
    pub(crate) fn ask<C: Command>(&mut self, command: C) -> Result<C::Answer, C::Refusal>
    where
        C::Entity: Of,
    {
        let mut state = C::Entity::of(command.entity());
        let core = command.entity().core();
        for key in &core.keys {
            if let Some(row) = self.rows.get(key) {
                state.apply(&Change::Put(key.clone(), Arc::clone(row)));
            }
        }
        for index in 0..core.scans.len() {
            for (key, row) in self.scan(&core.scans[index]) {
                state.apply(&Change::Put(key, row));
            }
        }
        let mut needs = command.needs();
        if let EntityRef::Account(account) = command.entity() {
            needs.keys.push(HeadKey { account }.into());
        }
        let facts = Facts { now: self.now, shards: ShardMap::new(1, 0), shard: Shard::new(0) };
        let decision = command.decide(&state, &self.fetch(&needs), &facts)?;
        self.write(decision.effects);
        Ok(decision.answer)
    }

    /// Asks twice; the second time nothing may be wanted, and the answer is the same.
    pub(crate) fn ask_twice<C: Command + Clone>(&mut self, command: C) -> Result<C::Answer, C::Refusal>
    where
        C::Entity: Of,
        C::Answer: PartialEq + std::fmt::Debug,
    {
        let answer = self.ask(command.clone())?;
        let effects = std::mem::take(&mut self.effects);
        let again = self.ask(command)?;
        assert_eq!((&again, self.effects.is_empty()), (&answer, true), "asked again: {:?}", self.effects);
        self.effects = effects;
        Ok(answer)
    }

    fn write(&mut self, effects: Effects) {
        for change in &effects.changes {
            match change {
                Change::Put(key, row) => drop(self.rows.insert(key.clone(), Arc::clone(row))),
                Change::Delete(key) => drop(self.rows.remove(key)),
            }
        }
        for draft in &effects.operations {
            let key = HeadKey { account: draft.account };
            let mut head = self.row(key.clone()).unwrap();
            head.revision = head.revision.next();
            self.put(key, head);
        }
        self.effects = effects;
    }

    fn scan(&self, scan: &Scan) -> Vec<(Key, Arc<Row>)> {
        let found = self.rows.range(scan.range.from.clone()..scan.range.to.clone());
        let mut found: Vec<_> = found.map(|(key, row)| (key.clone(), Arc::clone(row))).collect();
        if scan.reverse {
            found.reverse();
        }
        found.truncate(scan.limit);
        found
    }

    fn fetch(&self, fetch: &Fetch) -> Rows {
        let named = fetch.keys.iter().map(|key| (key.clone(), self.rows.get(key).cloned())).collect();
        Rows::new(named, fetch.scans.iter().map(|scan| self.scan(scan)).collect())
    }

    /// The operations that the last decision wanted.
    pub(crate) fn operations(&self) -> Vec<&Payload> {
        self.effects.operations.iter().map(|draft| &draft.payload).collect()
    }

    /// The facts that the last decision wanted told.
    pub(crate) fn facts(&self) -> Vec<&Fact> {
        self.effects.emits.iter().filter_map(|emit| emit.record.fact.as_ref()).collect()
    }
}
