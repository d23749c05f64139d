//! What an item is shown: always what was written last, however far the store lags behind.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::Setting;
use denrei_model::position::{Place, RecordNumber, Revision};
use denrei_model::row::{
    AccountKey, AccountRow, Change, Key, KeyRange, OpKey, OpRow, Row, SettingKey, TableKey as _,
};
use denrei_model::shard::{Shard, ShardMap};
use denrei_model::tag::Tag;
use denrei_storage::shard::{Fetch, Fetched, PendingRecord, Scan};
use proptest::prelude::*;

use super::Memory;
use crate::rows::Rows;
use crate::shard::item::{Applying, Arriving, Cause, Item, Line};

fn memory(cached: usize) -> Memory {
    Memory::new(cached, ShardMap::new(1, 0), Shard::new(0))
}

fn key(name: u8) -> SettingKey {
    SettingKey { account: AccountId::default(), device: DeviceId::default(), key: format!("{name:02}") }
}

fn setting(name: u8, version: u64) -> Setting {
    let (key, version) = (format!("{name:02}"), Revision::new(version));
    Setting { device: None, key, value: None, version }
}

fn put(name: u8, version: u64) -> Change {
    Change::put(key(name), setting(name, version))
}

fn names(names: &[u8]) -> Fetch {
    Fetch { keys: names.iter().map(|name| key(*name).into()).collect(), scans: Vec::new() }
}

fn range(from: u8, to: u8) -> KeyRange {
    KeyRange::new(key(from), key(to))
}

fn read(pairs: &[Option<(u8, u64)>]) -> Fetched {
    let row = |(name, version): (u8, u64)| Arc::new(SettingKey::wrap(setting(name, version)));
    Fetched { rows: pairs.iter().map(|pair| pair.map(row)).collect(), scans: Vec::new() }
}

fn version(rows: &Rows, name: u8) -> Option<u64> {
    rows.get(&key(name)).map(|setting| setting.version.get())
}

#[test]
fn a_row_written_after_arrival_wins_over_what_was_read_before() {
    let mut memory = memory(8);
    let captured = memory.capture(names(&[1]));
    assert_eq!(captured.to_read(), Some(names(&[1])));
    memory.write(&[put(1, 5)], Place::new(1));
    memory.durable(Place::new(1));
    memory.retire(Some(captured.at));
    let rows = memory.view(captured, read(&[Some((1, 4))]));
    assert_eq!(version(&rows, 1), Some(5));
}

#[test]
fn a_written_row_is_kept_until_it_is_durable() {
    let mut memory = memory(8);
    memory.write(&[put(1, 5)], Place::new(1));
    memory.retire(None);
    assert_eq!((memory.pinned(), memory.capture(names(&[1])).to_read()), (1, None));
    memory.durable(Place::new(1));
    memory.retire(None);
    assert_eq!(memory.pinned(), 0);
}

#[test]
fn an_operation_is_let_go_once_it_is_durable_and_other_rows_stay_cached() {
    let mut memory = memory(8);
    let operation = Key::from(OpKey { account: AccountId::default(), revision: Revision::new(1) });
    let row = OpRow { tag: Tag::default(), stored: Bytes::from_static(b"long") };
    let written = Change::Put(operation.clone(), Arc::new(OpKey::wrap(row)));
    memory.write(&[put(1, 5), written], Place::new(1));
    let asked = Fetch { keys: vec![key(1).into(), operation.clone()], scans: Vec::new() };
    assert_eq!(memory.capture(asked.clone()).to_read(), None);
    memory.durable(Place::new(1));
    memory.retire(None);
    let missing = Fetch { keys: vec![operation], scans: Vec::new() };
    assert_eq!(memory.capture(asked).to_read(), Some(missing));
}

#[test]
fn a_row_written_twice_is_kept_until_the_second_write_is_durable() {
    let mut memory = memory(8);
    memory.write(&[put(1, 5)], Place::new(1));
    memory.write(&[put(1, 6)], Place::new(2));
    memory.durable(Place::new(1));
    memory.retire(None);
    let captured = memory.capture(names(&[1]));
    assert_eq!(version(&memory.view(captured, Fetched::default()), 1), Some(6));
    assert_eq!(memory.pinned(), 1);
}

#[test]
fn a_removed_row_is_gone_though_the_store_still_has_it() {
    let mut memory = memory(8);
    memory.write(&[Change::delete(key(2))], Place::new(1));
    let fetch = Fetch { keys: vec![key(2).into()], scans: vec![Scan::forward(range(0, 9), 9)] };
    let captured = memory.capture(fetch);
    let stored = [1, 2].map(|name| (Key::from(key(name)), Arc::new(SettingKey::wrap(setting(name, 1)))));
    let rows = memory.view(captured, Fetched { rows: Vec::new(), scans: vec![stored.to_vec()] });
    assert_eq!(version(&rows, 2), None);
    assert_eq!(rows.scan::<SettingKey>(0).count(), 1);
}

#[test]
fn what_was_read_once_is_not_read_again() {
    let mut memory = memory(8);
    let captured = memory.capture(names(&[1, 2]));
    memory.view(captured, read(&[Some((1, 4)), None]));
    assert_eq!(memory.capture(names(&[1, 2])).to_read(), None, "that there is no row is known too");
}

#[test]
fn accounts_of_other_shards_are_read_each_time() {
    let shards = ShardMap::new(16, 0);
    let mut memory = Memory::new(8, shards, Shard::new(0));
    let mut stranger = (0..=255).map(|byte| AccountId::from_bytes([byte; 16]));
    let stranger = stranger.find(|id| shards.of_account(*id) != Shard::new(0)).unwrap();
    let fetch = Fetch { keys: vec![AccountKey { account: stranger }.into()], scans: Vec::new() };
    let captured = memory.capture(fetch.clone());
    memory.view(captured, Fetched { rows: vec![None], scans: Vec::new() });
    let captured = memory.capture(fetch.clone());
    assert_eq!(captured.to_read(), Some(fetch));
    let row: Arc<Row> = Arc::new(AccountKey::wrap(AccountRow::default()));
    let rows = memory.view(captured, Fetched { rows: vec![Some(row)], scans: Vec::new() });
    assert!(rows.get(&AccountKey { account: stranger }).is_some(), "who has registered since is there");
}

#[test]
fn more_rows_are_not_kept_than_the_cache_holds() {
    let mut memory = memory(4);
    for name in 0..60 {
        let captured = memory.capture(names(&[name]));
        memory.view(captured, read(&[None]));
    }
    let all: Vec<u8> = (0..60).collect();
    let missing = memory.capture(names(&all)).to_read().unwrap().keys.len();
    assert!(missing >= 50, "{missing} of 60 are missing");
}

/// One thing that happens to a shard.
#[derive(Clone, Debug)]
enum Step {
    /// An item comes that names these rows, and a range from either end.
    Arrive { names: Vec<u8>, from: u8, reverse: bool },
    /// What the item at this place lacks is read.
    Read(usize),
    /// The first has its turn and writes these: a row where true, else its removal.
    Turn(Vec<(u8, bool)>),
    /// The first has its turn and is put back.
    Again,
    /// The store has one more batch.
    Store,
    /// The shard hears of what the store has.
    Hear,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0_u8..6;
    prop_oneof![
        3 => (prop::collection::vec(name.clone(), 0..3), name.clone(), any::<bool>())
            .prop_map(|(names, from, reverse)| Step::Arrive { names, from, reverse }),
        4 => (0_usize..4).prop_map(Step::Read),
        4 => prop::collection::vec((name, any::<bool>()), 0..3).prop_map(Step::Turn),
        1 => Just(Step::Again),
        3 => Just(Step::Store),
        3 => Just(Step::Hear),
    ]
}

/// A shard's memory and line beside the naive model: one map of all that was written, one that lags behind.
struct Model {
    memory: Memory,
    line: Line,
    asked: VecDeque<Fetch>,
    truth: BTreeMap<Key, Arc<Row>>,
    store: BTreeMap<Key, Arc<Row>>,
    queue: VecDeque<(Place, Vec<Change>)>,
    place: Place,
    stored: Place,
    writes: u64,
}

fn scan(rows: &BTreeMap<Key, Arc<Row>>, scan: &Scan) -> Vec<(Key, Arc<Row>)> {
    let found = rows.range(scan.range.from.clone()..scan.range.to.clone());
    let mut found: Vec<_> = found.map(|(key, row)| (key.clone(), Arc::clone(row))).collect();
    if scan.reverse {
        found.reverse();
    }
    found.truncate(scan.limit);
    found
}

impl Model {
    fn new() -> Self {
        Self {
            memory: memory(3),
            line: Line::default(),
            asked: VecDeque::new(),
            truth: BTreeMap::new(),
            store: BTreeMap::new(),
            queue: VecDeque::new(),
            place: Place::ZERO,
            stored: Place::ZERO,
            writes: 0,
        }
    }

    fn item(&self, fetch: Fetch) -> Item {
        let record = PendingRecord { from: Shard::new(0), number: RecordNumber::ZERO, record: Bytes::new() };
        let captured = self.memory.capture(fetch);
        let fetched = captured.to_read().is_none().then(Fetched::default);
        let cause = Cause::Record(Applying::new(Arriving::from(record), std::time::Duration::ZERO));
        Item {
            id: self.line.next_id(),
            cause,
            since: std::time::Duration::ZERO,
            entities: Vec::new(),
            captured,
            fetched,
            damaged: false,
        }
    }

    fn read(&mut self, at: usize) {
        let Some(first) = self.line.front().map(|item| item.id) else { return };
        let Some(item) = self.line.get_mut(first + at as u64).filter(|item| item.fetched.is_none()) else {
            return;
        };
        let fetch = item.captured.to_read().unwrap();
        item.fetched = Some(Fetched {
            rows: fetch.keys.iter().map(|key| self.store.get(key).cloned()).collect(),
            scans: fetch.scans.iter().map(|asked| scan(&self.store, asked)).collect(),
        });
    }

    /// The first has its turn, if its rows are there.
    fn turn(&mut self) -> Option<(Fetch, Rows)> {
        self.line.front()?.fetched.as_ref()?;
        let item = self.line.pop()?;
        let fetch = self.asked.pop_front()?;
        let rows = self.memory.view(item.captured, item.fetched?);
        Some((fetch, rows))
    }

    fn check(&self, fetch: &Fetch, rows: &Rows) -> Result<(), TestCaseError> {
        for key in &fetch.keys {
            prop_assert_eq!(rows.any(key), self.truth.get(key).cloned());
        }
        for (index, asked) in fetch.scans.iter().enumerate() {
            let shown: Vec<Key> = rows.scan::<SettingKey>(index).map(|(key, _)| key.clone()).collect();
            let true_ones: Vec<Key> = scan(&self.truth, asked).into_iter().map(|(key, _)| key).collect();
            prop_assert_eq!(shown, true_ones);
        }
        Ok(())
    }

    fn write(&mut self, changes: Vec<Change>) {
        for change in &changes {
            match change {
                Change::Put(key, row) => drop(self.truth.insert(key.clone(), Arc::clone(row))),
                Change::Delete(key) => drop(self.truth.remove(key)),
            }
        }
        self.place = self.place.next();
        self.memory.write(&changes, self.place);
        self.queue.push_back((self.place, changes));
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Arrive { names: named, from, reverse } => {
                let asked = Scan { range: range(from, 6), limit: 6, reverse };
                let fetch = Fetch { scans: vec![asked], ..names(&named) };
                let item = self.item(fetch.clone());
                self.line.push(item);
                self.asked.push_back(fetch);
            }
            Step::Read(at) => self.read(at),
            Step::Turn(written) => {
                if let Some((fetch, rows)) = self.turn() {
                    self.check(&fetch, &rows)?;
                    self.writes += 1;
                    let writes = self.writes;
                    let change =
                        |(name, kept)| if kept { put(name, writes) } else { Change::delete(key(name)) };
                    self.write(written.into_iter().map(change).collect());
                }
            }
            Step::Again => {
                if let Some((fetch, rows)) = self.turn() {
                    self.check(&fetch, &rows)?;
                    let item = self.item(fetch.clone());
                    self.line.unpop(item);
                    self.asked.push_front(fetch);
                }
            }
            Step::Store => {
                if let Some((place, changes)) = self.queue.pop_front() {
                    self.stored = place;
                    for change in changes {
                        match change {
                            Change::Put(key, row) => drop(self.store.insert(key, row)),
                            Change::Delete(key) => drop(self.store.remove(&key)),
                        }
                    }
                }
            }
            Step::Hear => self.memory.durable(self.stored),
        }
        self.memory.retire(self.line.oldest());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_turn_is_shown_what_was_written_last(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in steps {
            model.step(step)?;
        }
    }
}
