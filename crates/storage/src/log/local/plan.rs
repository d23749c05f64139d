//! One group of jobs on its way: what it will write, and what readers will see once that is durable.
//!
//! Jobs of a group see each other's changes through the plan; nobody else does before the batch is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use denrei_model::Timestamp;

use super::engine::Engine;
use super::job::Change;
use super::kv::{Op, Pages, Space};
use super::rows::{self, ChunkRow, CommitRow, RecordRow, TimerKeys};
use super::view::{Committed, Topic};
use crate::log::admin::{MAX_METADATA, after_reset};
use crate::log::{
    Commit, Epoch, ErrorKind, GroupId, LogError, NewRecord, Offset, Partition, Place, Placed, Record,
    TimerMark, TopicConfig, TopicName, partition_of,
};

#[cfg(test)]
mod tests;
mod timers;

/// Records of one chunk weigh this much at most, one record more or less.
const CHUNK_BYTES: usize = 256 << 10;

/// What a group of jobs changes.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    engine: &'a Engine,
    pub(super) now: Timestamp,
    pub(super) ops: Vec<Op>,
    pub(super) topics: BTreeMap<TopicName, Option<Topic>>,
    pub(super) next_topic: Option<u32>,
    pub(super) appended: BTreeMap<Place, Vec<Record>>,
    pub(super) committed: Vec<(GroupId, Place, Option<Committed>)>,
    /// By their index keys: when they are due, and what they carry in short; none for those that are deleted.
    timers: HashMap<Vec<u8>, Option<(Timestamp, TimerMark)>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self {
            engine,
            now: engine.clock.now(),
            ops: Vec::new(),
            topics: BTreeMap::new(),
            next_topic: None,
            appended: BTreeMap::new(),
            committed: Vec::new(),
            timers: HashMap::new(),
        }
    }

    /// The topic as this group leaves it so far.
    fn topic(&mut self, name: &TopicName) -> Result<&mut Topic, LogError> {
        if !self.topics.contains_key(name) {
            let known = self.engine.view.lock().topics.get(name).map(|topic| Topic::clone(topic));
            self.topics.insert(name.clone(), known);
        }
        let topic = self.topics.get_mut(name).and_then(Option::as_mut);
        topic.ok_or_else(|| LogError::new(ErrorKind::NoTopic, name.as_str()))
    }

    pub(super) fn append(&mut self, record: NewRecord, turn: u32) -> Result<Placed, LogError> {
        let (now, size) = (self.now, record.size());
        let topic = self.topic(&record.topic)?;
        if size > topic.config.max_record_bytes {
            return Err(LogError::new(ErrorKind::TooLarge, format!("{size} bytes")));
        }
        let partitions = topic.info().partitions;
        let partition = record.partition.map_or_else(
            || {
                record
                    .key
                    .as_ref()
                    .map_or_else(|| turn % partitions.max(1), |key| partition_of(key, partitions))
            },
            |partition| partition.0,
        );
        let place = Place { topic: record.topic, partition: Partition(partition) };
        let span = topic.spans.get_mut(partition as usize);
        let span = span.ok_or_else(|| LogError::new(ErrorKind::NoPartition, format!("{place:?}")))?;
        let offset = span.end;
        span.end = offset.next();
        let record = Record {
            offset,
            timestamp: record.timestamp.unwrap_or(now),
            key: record.key,
            value: record.value,
            headers: record.headers,
        };
        self.appended.entry(place.clone()).or_default().push(record);
        Ok(Placed { place, offset })
    }

    /// Turns what was appended into chunks; called once, when all jobs of the group are in.
    pub(super) fn finish(&mut self) {
        for (place, records) in &self.appended {
            let Some(Some(topic)) = self.topics.get(&place.topic) else { continue };
            let mut rest = records.as_slice();
            while let Some(first) = rest.first() {
                let mut bytes = 0;
                let fits = |record: &&Record| {
                    bytes += record.size() + 16;
                    bytes <= CHUNK_BYTES
                };
                let count = rest.iter().take_while(fits).count().max(1);
                let (chunk, later) = rest.split_at(count);
                let row = ChunkRow {
                    appended_ms: self.now.as_millis(),
                    records: chunk.iter().map(RecordRow::from).collect(),
                };
                let key = rows::chunk_key(topic.id, place.partition.0, first.offset);
                self.ops.push(Op::Put(Space::Records, key, rows::encode(&row)));
                rest = later;
            }
        }
    }

    pub(super) fn change(&mut self, change: Change) -> Result<(), LogError> {
        match change {
            Change::Create(name, config) => self.create(&name, config),
            Change::Delete(name) => self.delete(&name),
            Change::Grow(name, partitions) => self.grow(&name, partitions),
            Change::Trim(place, before) => self.trim(&place, before),
            Change::Commit(group, commit) => self.commit(group, commit),
            Change::Reset(group, place, to) => self.reset(group, place, to),
            Change::Timers { group, place, epoch, changes } => {
                self.check_owner(&group, &place, epoch)?;
                self.timers(&group, &place, changes)
            }
            Change::Sweep => self.sweep(),
            Change::Barrier => Ok(()),
        }
    }

    fn create(&mut self, name: &TopicName, config: TopicConfig) -> Result<(), LogError> {
        if !name.is_valid() || config.partitions == 0 {
            return Err(LogError::new(ErrorKind::Invalid, "a topic needs an allowed name and partitions"));
        }
        if self.topic(name).is_ok() {
            return Err(LogError::new(ErrorKind::TopicExists, name.as_str()));
        }
        let id = self.next_topic.unwrap_or_else(|| self.engine.view.lock().next_topic);
        self.next_topic = Some(id + 1);
        let next = Bytes::copy_from_slice(&u64::from(id + 1).to_be_bytes());
        self.ops.push(Op::Put(Space::Meta, rows::NEXT_TOPIC.to_vec(), next));
        self.save(name, Topic::new(id, config));
        Ok(())
    }

    fn save(&mut self, name: &TopicName, topic: Topic) {
        self.ops.push(Op::Put(Space::Meta, rows::topic_key(name), rows::encode(&topic.row())));
        self.topics.insert(name.clone(), Some(topic));
    }

    fn delete(&mut self, name: &TopicName) -> Result<(), LogError> {
        let topic = self.topic(name)?.clone();
        self.appended.retain(|place, _| place.topic != *name);
        for partition in 0..topic.info().partitions {
            self.drop_chunks(topic.id, partition, Offset(u64::MAX))?;
        }
        let groups: Vec<GroupId> = self.engine.view.lock().committed.keys().cloned().collect();
        for group in groups {
            for partition in 0..topic.info().partitions {
                let place = Place::new(name.clone(), partition);
                self.drop_timers(&TimerKeys::new(&group, topic.id, partition))?;
                self.ops.push(Op::Delete(Space::Meta, rows::commit_key(&group, &place)));
                self.committed.push((group.clone(), place, None));
            }
        }
        self.ops.push(Op::Delete(Space::Meta, rows::topic_key(name)));
        self.topics.insert(name.clone(), None);
        Ok(())
    }

    /// Durable rows, read a few at a time: the committer has other things to do, and others wait for its memory.
    fn rows(&self, space: Space, from: Vec<u8>, to: Vec<u8>) -> Pages<'a> {
        Pages::new(&*self.engine.kv, space, from, to)
    }

    fn drop_timers(&mut self, keys: &TimerKeys) -> Result<(), LogError> {
        let (from, to) = keys.due_range(Timestamp::from_millis(u64::MAX));
        for row in self.rows(Space::Timers, from, to) {
            let (key, _) = row?;
            let (_, id) = keys.parse_due(&key)?;
            self.ops.push(Op::Delete(Space::Timers, key.to_vec()));
            self.ops.push(Op::Delete(Space::Timers, keys.index(id)));
        }
        Ok(())
    }

    fn grow(&mut self, name: &TopicName, partitions: u32) -> Result<(), LogError> {
        let mut topic = self.topic(name)?.clone();
        if partitions < topic.info().partitions {
            return Err(LogError::new(ErrorKind::Invalid, "a topic cannot lose partitions"));
        }
        topic.config.partitions = partitions;
        let fresh = Topic::new(topic.id, topic.config).spans;
        topic.spans.extend(fresh.into_iter().skip(topic.spans.len()));
        self.save(name, topic);
        Ok(())
    }

    fn trim(&mut self, place: &Place, before: Offset) -> Result<(), LogError> {
        let mut topic = self.topic(&place.topic)?.clone();
        let span = topic.spans.get_mut(place.partition.0 as usize);
        let span = span.ok_or_else(|| LogError::new(ErrorKind::NoPartition, format!("{place:?}")))?;
        // What this very group appends is not in the store yet: it stays.
        let stored = self.engine.view.lock().span(place).map_or(Offset(0), |span| span.end);
        span.start = span.start.max(before.min(stored));
        let start = span.start;
        self.drop_chunks(topic.id, place.partition.0, start)?;
        self.save(&place.topic, topic);
        Ok(())
    }

    /// Drops the chunks that lie wholly before `start`.
    fn drop_chunks(&mut self, topic: u32, partition: u32, start: Offset) -> Result<(), LogError> {
        let (from, to) =
            (rows::chunk_key(topic, partition, Offset(0)), rows::chunk_key(topic, partition, start));
        for row in self.rows(Space::Records, from, to) {
            let (key, value) = row?;
            let end = rows::number(&key, 8)? + rows::decode::<ChunkRow>(value)?.records.len() as u64;
            if end <= start.0 {
                self.ops.push(Op::Delete(Space::Records, key.to_vec()));
            }
        }
        Ok(())
    }

    fn check_owner(&self, group: &GroupId, place: &Place, epoch: Option<Epoch>) -> Result<(), LogError> {
        let Some(epoch) = epoch else { return Ok(()) };
        let view = self.engine.view.lock();
        let current = view.groups.get(group).is_some_and(|members| members.is_current(place, epoch));
        current
            .then_some(())
            .ok_or_else(|| LogError::new(ErrorKind::NotOwner, format!("{place:?} {epoch:?}")))
    }

    fn commit(&mut self, group: GroupId, commit: Commit) -> Result<(), LogError> {
        self.check_owner(&group, &commit.place, Some(commit.epoch))?;
        if commit.metadata.len() > MAX_METADATA {
            return Err(LogError::new(ErrorKind::TooLarge, "metadata of a commit holds 4,096 bytes"));
        }
        self.put_commit(group, commit);
        Ok(())
    }

    fn put_commit(&mut self, group: GroupId, commit: Commit) {
        let Commit { place, epoch, offset, metadata } = commit;
        let row = CommitRow { offset: offset.0, metadata, epoch: epoch.0, at_ms: self.now.as_millis() };
        self.ops.push(Op::Put(Space::Meta, rows::commit_key(&group, &place), rows::encode(&row)));
        let committed = Committed { offset, metadata: row.metadata, at: self.now };
        self.committed.push((group, place, Some(committed)));
    }

    /// What the group has committed, in this group of jobs' eyes.
    fn known_commit(&self, group: &GroupId, place: &Place) -> Option<Committed> {
        let planned = self.committed.iter().rev().find(|(g, p, _)| g == group && p == place);
        planned.map_or_else(
            || self.engine.view.lock().committed(group, place).cloned(),
            |(_, _, committed)| committed.clone(),
        )
    }

    fn reset(&mut self, group: GroupId, place: Place, to: Offset) -> Result<(), LogError> {
        self.topic(&place.topic)?;
        if self.engine.view.lock().groups.get(&group).is_some_and(|members| !members.is_empty()) {
            return Err(LogError::new(ErrorKind::GroupActive, group.as_str()));
        }
        let known = self.known_commit(&group, &place);
        let (epoch, metadata) =
            (Epoch(0), known.map(|known| after_reset(&known.metadata)).unwrap_or_default());
        self.put_commit(group, Commit { place, epoch, offset: to, metadata });
        Ok(())
    }

    fn sweep(&mut self) -> Result<(), LogError> {
        let expired =
            self.now.as_millis().saturating_sub(self.engine.options.group_expiry.as_millis() as u64);
        let (topics, old) = {
            let view = self.engine.view.lock();
            let idle = |group: &GroupId| view.groups.get(group).is_none_or(super::group::Group::is_empty);
            let old: Vec<(GroupId, Place)> = view
                .committed
                .iter()
                .filter(|(group, places)| idle(group) && places.values().all(|c| c.at.as_millis() < expired))
                .flat_map(|(group, places)| places.keys().map(|place| (group.clone(), place.clone())))
                .collect();
            (view.topics.clone(), old)
        };
        for (group, place) in &old {
            self.ops.push(Op::Delete(Space::Meta, rows::commit_key(group, place)));
            self.committed.push((group.clone(), place.clone(), None));
        }
        for (name, topic) in topics {
            for partition in 0..topic.info().partitions {
                let place = Place::new(name.clone(), partition);
                if let Some(start) = self.keep_from(&topic, &place, &old)? {
                    self.trim(&place, start)?;
                }
            }
        }
        Ok(())
    }

    /// The first offset to keep, if older ones can go: those past the age limit that every group has committed.
    fn keep_from(
        &self,
        topic: &Arc<Topic>,
        place: &Place,
        gone: &[(GroupId, Place)],
    ) -> Result<Option<Offset>, LogError> {
        let (Some(retention), Some(span)) = (topic.config.retention, topic.span(place.partition)) else {
            return Ok(None);
        };
        let needed = self.engine.needed_from(place, gone).unwrap_or(span.end);
        let limit =
            self.now.as_millis().saturating_sub(u64::try_from(retention.as_millis()).unwrap_or(u64::MAX));
        let from = rows::chunk_key(topic.id, place.partition.0, Offset(0));
        let to = rows::chunk_key(topic.id, place.partition.0, needed);
        let mut keep = None;
        for row in self.rows(Space::Records, from, to) {
            let (key, value) = row?;
            let chunk: ChunkRow = rows::decode(value)?;
            let end = Offset(rows::number(&key, 8)? + chunk.records.len() as u64);
            if chunk.appended_ms >= limit || end > needed {
                break;
            }
            keep = Some(end);
        }
        Ok(keep)
    }
}
