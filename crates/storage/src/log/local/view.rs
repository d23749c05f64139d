//! What is durable, as readers see it: topics, spans, committed offsets, groups, and the newest records.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use denrei_model::Timestamp;
use tokio::sync::watch;

use super::group::Group;
use super::kv::{Kv, Space};
use super::rows::{self, ChunkRow, CommitRow, TopicRow};
use crate::log::{
    GroupId, LogError, Offset, Partition, Place, Record, TopicConfig, TopicInfo, TopicName, Watermarks,
};

/// A topic and how far its partitions reach.
#[derive(Debug, Clone)]
pub(super) struct Topic {
    pub(super) id: u32,
    pub(super) config: TopicConfig,
    pub(super) spans: Vec<Watermarks>,
}

impl Topic {
    pub(super) fn new(id: u32, config: TopicConfig) -> Self {
        let empty = Watermarks { start: Offset(0), end: Offset(0) };
        Self { id, config, spans: vec![empty; config.partitions as usize] }
    }

    pub(super) fn info(&self) -> TopicInfo {
        let partitions = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        TopicInfo { partitions, max_record_bytes: self.config.max_record_bytes }
    }

    pub(super) fn span(&self, partition: Partition) -> Option<Watermarks> {
        self.spans.get(partition.0 as usize).copied()
    }

    pub(super) fn row(&self) -> TopicRow {
        TopicRow {
            id: self.id,
            retention_ms: self.config.retention.map(|r| u64::try_from(r.as_millis()).unwrap_or(u64::MAX)),
            max_record_bytes: self.config.max_record_bytes as u64,
            starts: self.spans.iter().map(|span| span.start.0).collect(),
        }
    }

    fn load(kv: &dyn Kv, row: &TopicRow) -> Result<Self, LogError> {
        let config = TopicConfig {
            partitions: u32::try_from(row.starts.len()).unwrap_or(u32::MAX),
            retention: row.retention_ms.map(std::time::Duration::from_millis),
            max_record_bytes: usize::try_from(row.max_record_bytes).unwrap_or(usize::MAX),
        };
        let mut topic = Self::new(row.id, config);
        for ((partition, span), start) in (0..).zip(&mut topic.spans).zip(&row.starts) {
            let (from, upto) = (
                rows::chunk_key(row.id, partition, Offset(0)),
                rows::chunk_key(row.id, partition, Offset(u64::MAX)),
            );
            let end = match kv.last(Space::Records, &from, &upto)? {
                Some((key, value)) => {
                    rows::number(&key, 8)? + rows::decode::<ChunkRow>(value)?.records.len() as u64
                }
                None => *start,
            };
            *span = Watermarks { start: Offset(*start), end: Offset(end.max(*start)) };
        }
        Ok(topic)
    }
}

/// What a group committed for a partition.
#[derive(Debug, Clone)]
pub(super) struct Committed {
    pub(super) offset: Offset,
    pub(super) metadata: String,
    pub(super) at: Timestamp,
}

/// The newest records of a partition, kept decoded for readers that keep up.
#[derive(Debug, Default)]
pub(super) struct Tail {
    records: VecDeque<Record>,
    bytes: usize,
    /// Counted up by each append, for those who wait for one.
    appends: watch::Sender<u64>,
}

/// What a record weighs beside its bytes.
const RECORD_OVERHEAD: usize = 128;

impl Tail {
    pub(super) fn push(&mut self, records: Vec<Record>, bound: usize) {
        self.bytes += records.iter().map(|r| r.size() + RECORD_OVERHEAD).sum::<usize>();
        self.records.extend(records);
        self.appends.send_modify(|count| *count = count.wrapping_add(1));
        while self.bytes > bound {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes -= oldest.size() + RECORD_OVERHEAD;
        }
    }

    /// Tells of each append from now on.
    pub(super) fn appends(&self) -> watch::Receiver<u64> {
        self.appends.subscribe()
    }

    /// Records from `from` on, if this offset is among the newest.
    pub(super) fn read(&self, from: Offset, limit: usize) -> Option<Vec<Record>> {
        let first = self.records.front()?.offset;
        let skip = usize::try_from(from.0.checked_sub(first.0)?).ok()?;
        (skip < self.records.len()).then(|| self.records.iter().skip(skip).take(limit).cloned().collect())
    }
}

/// What readers see.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) topics: BTreeMap<TopicName, Arc<Topic>>,
    pub(super) next_topic: u32,
    pub(super) committed: HashMap<GroupId, BTreeMap<Place, Committed>>,
    pub(super) groups: HashMap<GroupId, Group>,
    pub(super) tails: HashMap<Place, Tail>,
}

impl View {
    /// Reads back what an earlier process left.
    pub(super) fn load(kv: &dyn Kv) -> Result<Self, LogError> {
        let mut view = Self::default();
        if let Some(next) = kv.get(Space::Meta, rows::NEXT_TOPIC)? {
            view.next_topic = u32::try_from(rows::number(&next, 0)?).unwrap_or(u32::MAX);
        }
        for (key, value) in kv.scan(Space::Meta, b"t", b"u", usize::MAX)? {
            let name = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
            view.topics.insert(TopicName::from(name), Arc::new(Topic::load(kv, &rows::decode(value)?)?));
        }
        for (key, value) in kv.scan(Space::Meta, b"c", b"d", usize::MAX)? {
            let Some((group, place)) = rows::parse_commit_key(&key) else { continue };
            let row: CommitRow = rows::decode(value)?;
            view.groups.entry(group.clone()).or_default().epoch_seen(&place, row.epoch);
            let committed = Committed {
                offset: Offset(row.offset),
                metadata: row.metadata,
                at: Timestamp::from_millis(row.at_ms),
            };
            view.committed.entry(group).or_default().insert(place, committed);
        }
        Ok(view)
    }

    pub(super) fn span(&self, place: &Place) -> Option<Watermarks> {
        self.topics.get(&place.topic)?.span(place.partition)
    }

    pub(super) fn committed(&self, group: &GroupId, place: &Place) -> Option<&Committed> {
        self.committed.get(group)?.get(place)
    }

    /// Decides anew who owns what in a group.
    pub(super) fn balance(&mut self, group: &GroupId) {
        let Some(members) = self.groups.get_mut(group) else { return };
        let read = self.topics.iter().filter(|(name, _)| members.reads(name));
        let places: Vec<Place> = read
            .flat_map(|(name, topic)| (0..topic.info().partitions).map(|p| Place::new(name.clone(), p)))
            .collect();
        members.balance(places.iter());
    }

    pub(super) fn balance_all(&mut self) {
        let groups: Vec<GroupId> = self.groups.keys().cloned().collect();
        for group in groups {
            self.balance(&group);
        }
    }
}
