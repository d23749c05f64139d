//! Timers as a compact topic beside each task topic, partition by partition.
//!
//! Whoever owns a task partition tails the timer partition of the same number into an index, from its beginning. The index
//! changes by what is tailed alone, its own writes included, so that its order is the log's. A write is answered
//! when it is durable *and* tailed: what was deleted is not listed again.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use denrei_model::Timestamp;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use parking_lot::Mutex;
use prost::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};
use tokio::sync::watch;

use super::admin::KafkaAdmin;
use super::error::foreign;
use super::options::{HEADROOM, KafkaOptions};
use super::producer::KafkaProducer;
use super::records::record;
use crate::log::{
    Admin as _, Epoch, ErrorKind, GroupId, LogError, NewRecord, Offset, Partition, Place, Producer as _,
    Record, TimerId, TimerQuery, TimerRow, Timers, TopicName, Watermarks,
};

/// How long the tail sleeps in librdkafka before it looks whether partitions came or went.
const TICK: Duration = Duration::from_millis(20);
/// How long a write may take to come back by the tail.
const PATIENCE: Duration = Duration::from_secs(30);

/// The value of a timer's record. Its key is the offset and the attempt, big-endian.
#[derive(Clone, PartialEq, Message)]
struct TimerValue {
    #[prost(uint64, tag = "1")]
    due_ms: u64,
    #[prost(bytes = "bytes", tag = "2")]
    payload: Bytes,
}

/// The timers of one partition, as tailed so far.
#[derive(Debug, Default)]
struct Rows {
    by_due: BTreeMap<(Timestamp, TimerId), Bytes>,
    due: HashMap<TimerId, Timestamp>,
}

impl Rows {
    fn apply(&mut self, record: &Record) {
        let Some(id) = record.key.as_ref().and_then(|key| parse_key(key)) else { return };
        if let Some(due) = self.due.remove(&id) {
            self.by_due.remove(&(due, id));
        }
        let Some(Ok(value)) = record.value.clone().map(TimerValue::decode) else { return };
        let due = Timestamp::from_millis(value.due_ms);
        self.due.insert(id, due);
        self.by_due.insert((due, id), value.payload);
    }

    fn list(&self, query: TimerQuery) -> Vec<TimerRow> {
        let last = (query.until, TimerId { offset: Offset(u64::MAX), attempt: u32::MAX });
        let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        if query.after.is_some_and(|after| after >= last) {
            return Vec::new();
        }
        let range = self.by_due.range((from, Bound::Included(last)));
        let row = |((due, id), payload): (&(Timestamp, TimerId), &Bytes)| TimerRow {
            id: *id,
            due: *due,
            payload: payload.clone(),
        };
        range.take(query.limit).map(row).collect()
    }
}

fn key(id: TimerId) -> Bytes {
    [&id.offset.0.to_be_bytes()[..], &id.attempt.to_be_bytes()].concat().into()
}

fn parse_key(key: &[u8]) -> Option<TimerId> {
    let (offset, attempt) = key.split_first_chunk::<8>()?;
    let attempt = u32::from_be_bytes(attempt.try_into().ok()?);
    Some(TimerId { offset: Offset(u64::from_be_bytes(*offset)), attempt })
}

/// A partition that is tailed.
#[derive(Debug)]
struct Tailed {
    epoch: Epoch,
    rows: Rows,
    /// The offset that the tail waits for.
    next: watch::Sender<u64>,
}

/// What the tail of one topic shares with those who ask.
#[derive(Debug, Default)]
struct Tail {
    partitions: Mutex<BTreeMap<u32, Tailed>>,
    changed: AtomicBool,
    closed: AtomicBool,
}

/// The timers of one group on Kafka.
pub(super) struct KafkaTimers {
    options: Arc<KafkaOptions>,
    producer: Arc<KafkaProducer>,
    admin: Arc<KafkaAdmin>,
    group: GroupId,
    tails: Mutex<HashMap<TopicName, Arc<Tail>>>,
    /// Topics of tasks whose timers have a topic, and for how many partitions: asked for once, not by each partition.
    ensured: tokio::sync::Mutex<HashMap<TopicName, u32>>,
}

impl KafkaTimers {
    pub(super) fn new(
        options: Arc<KafkaOptions>,
        producer: Arc<KafkaProducer>,
        admin: Arc<KafkaAdmin>,
        group: GroupId,
    ) -> Self {
        let (tails, ensured) = Default::default();
        Self { options, producer, admin, group, tails, ensured }
    }

    fn topic(&self, of: &TopicName) -> TopicName {
        TopicName::from(format!("{of}.{}.timers", self.group))
    }

    fn place(&self, of: &Place) -> Place {
        Place { topic: self.topic(&of.topic), partition: of.partition }
    }

    /// The topic is made when it is first needed, and grows with the topic whose timers it holds.
    async fn ensure_topic(&self, of: &Place) -> Result<(), LogError> {
        let mut ensured = self.ensured.lock().await;
        if ensured.get(&of.topic).is_none_or(|partitions| *partitions <= of.partition.0) {
            let partitions = self.make_topic(&of.topic).await?;
            ensured.insert(of.topic.clone(), partitions);
        }
        Ok(())
    }

    async fn make_topic(&self, of: &TopicName) -> Result<u32, LogError> {
        let topic = self.topic(of);
        let missing = || LogError::new(ErrorKind::NoTopic, of.as_str());
        let tasks = self.admin.topic(of).await?.ok_or_else(missing)?;
        match self.admin.topic(&topic).await? {
            Some(found) if found.partitions >= tasks.partitions => {}
            Some(_) => self.admin.grow_topic(&topic, tasks.partitions).await?,
            None => {
                let limit = tasks.max_record_bytes + 2 * HEADROOM;
                let settings =
                    [("cleanup.policy", "compact".to_owned()), ("max.message.bytes", limit.to_string())];
                let created = self.admin.create(&topic, tasks.partitions, &settings).await;
                created.or_else(|e| if e.kind() == ErrorKind::TopicExists { Ok(()) } else { Err(e) })?;
            }
        }
        Ok(tasks.partitions)
    }

    fn tail(&self, topic: &TopicName) -> Result<Arc<Tail>, LogError> {
        let mut tails = self.tails.lock();
        if let Some(tail) = tails.get(topic) {
            return Ok(Arc::clone(tail));
        }
        let tail = Arc::new(Tail::default());
        let reader: BaseConsumer = self.options.reader("timers").create().map_err(|e| foreign(&e))?;
        let (theirs, name) = (Arc::clone(&tail), self.topic(topic));
        std::thread::Builder::new()
            .name("kafka-timers".to_owned())
            .spawn(move || follow(&theirs, &reader, &name))
            .map_err(|e| LogError::new(ErrorKind::Fatal, e.to_string()))?;
        tails.insert(topic.clone(), Arc::clone(&tail));
        Ok(tail)
    }

    async fn open_partition(&self, place: &Place, epoch: Epoch) -> Result<(), LogError> {
        self.ensure_topic(place).await?;
        let tail = self.tail(&place.topic)?;
        let marks = self.admin.watermarks(&self.place(place)).await;
        if marks.is_err() {
            // It may have been deleted, and is looked for again by the next try.
            self.ensured.lock().await.remove(&place.topic);
        }
        let Watermarks { start, end } = marks?;
        tail.partitions
            .lock()
            .entry(place.partition.0)
            .and_modify(|tailed| tailed.epoch = epoch)
            .or_insert_with(|| {
                tail.changed.store(true, Ordering::SeqCst);
                // Told where to begin, librdkafka need not ask; where there are no timers, nothing is waited for.
                Tailed { epoch, rows: Rows::default(), next: watch::Sender::new(start.0) }
            });
        caught_up(&tail, place.partition, end).await
    }

    fn known_tail(&self, place: &Place) -> Option<Arc<Tail>> {
        let tail = self.tails.lock().get(&place.topic).map(Arc::clone)?;
        let is_open = tail.partitions.lock().contains_key(&place.partition.0);
        is_open.then_some(tail)
    }

    async fn write(&self, place: &Place, put: Vec<TimerRow>, delete: Vec<TimerId>) -> Result<(), LogError> {
        let at = self.place(place);
        let record = |id: TimerId, value: Option<Bytes>| NewRecord {
            topic: at.topic.clone(),
            partition: Some(at.partition),
            key: Some(key(id)),
            value,
            headers: Vec::new(),
            timestamp: None,
        };
        let value = |row: &TimerRow| TimerValue { due_ms: row.due.as_millis(), payload: row.payload.clone() };
        let puts = put.iter().map(|row| record(row.id, Some(Bytes::from(value(row).encode_to_vec()))));
        let sent: Vec<_> = puts.map(|record| self.producer.send(record)).collect();
        let mut placed = try_join_all(sent).await?;
        // What replaces a timer is durable before the timer is deleted.
        let deletes: Vec<_> = delete.iter().map(|id| self.producer.send(record(*id, None))).collect();
        placed.extend(try_join_all(deletes).await?);
        let Some(end) = placed.iter().map(|placed| placed.offset.next()).max() else { return Ok(()) };
        match self.known_tail(place) {
            Some(tail) => caught_up(&tail, place.partition, end).await,
            None => Ok(()),
        }
    }
}

impl Drop for KafkaTimers {
    fn drop(&mut self) {
        for tail in self.tails.lock().values() {
            tail.closed.store(true, Ordering::SeqCst);
        }
    }
}

async fn caught_up(tail: &Tail, partition: Partition, end: Offset) -> Result<(), LogError> {
    let Some(mut next) = tail.partitions.lock().get(&partition.0).map(|tailed| tailed.next.subscribe())
    else {
        return Ok(());
    };
    match tokio::time::timeout(PATIENCE, next.wait_for(|next| *next >= end.0)).await {
        Ok(Ok(_)) => Ok(()),
        // Closed meanwhile: somebody else tails it now.
        Ok(Err(_)) => Ok(()),
        Err(_) => Err(LogError::new(ErrorKind::Unavailable, "the timers cannot be read at the moment")),
    }
}

/// Tails the timers of a topic until the last user is gone.
fn follow(tail: &Tail, reader: &BaseConsumer, topic: &TopicName) {
    while !tail.closed.load(Ordering::SeqCst) {
        if tail.changed.swap(false, Ordering::SeqCst)
            && let Err(error) = assign(tail, reader, topic)
        {
            tracing::warn!(%error, %topic, "timers cannot be read");
            tail.changed.store(true, Ordering::SeqCst);
        }
        match reader.poll(TICK) {
            Some(Ok(message)) => {
                let partition = u32::try_from(message.partition()).unwrap_or_default();
                apply(tail, partition, &record(&message));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => at_end(tail, reader, topic, partition),
            Some(Err(error)) => tracing::warn!(%error, %topic, "timers"),
            None => {}
        }
    }
}

fn assign(tail: &Tail, reader: &BaseConsumer, topic: &TopicName) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, tailed) in tail.partitions.lock().iter() {
        let next = i64::try_from(*tailed.next.borrow()).unwrap_or(i64::MAX);
        let (partition, from) = (i32::try_from(*partition).unwrap_or(i32::MAX), ForeignOffset::Offset(next));
        list.add_partition_offset(topic.as_str(), partition, from)?;
    }
    reader.assign(&list)
}

fn apply(tail: &Tail, partition: u32, record: &Record) {
    let mut partitions = tail.partitions.lock();
    let Some(tailed) = partitions.get_mut(&partition) else { return };
    if record.offset.0 >= *tailed.next.borrow() {
        tailed.rows.apply(record);
        tailed.next.send_replace(record.offset.next().0);
    }
}

/// Compaction leaves gaps: at the end of the partition, the tail stands at the end whatever it saw last.
fn at_end(tail: &Tail, reader: &BaseConsumer, topic: &TopicName, partition: i32) {
    let Ok(positions) = reader.position() else { return };
    let position = match positions.find_partition(topic.as_str(), partition).map(|e| e.offset()) {
        Some(ForeignOffset::Offset(position)) => position,
        // Nothing was ever read: the partition is empty, and begins where it ends.
        _ => reader.fetch_watermarks(topic.as_str(), partition, PATIENCE).map_or(0, |(low, _)| low),
    };
    let (partition, position) =
        (u32::try_from(partition).unwrap_or_default(), u64::try_from(position).unwrap_or(0));
    if let Some(tailed) = tail.partitions.lock().get(&partition) {
        tailed.next.send_if_modified(|next| {
            let forward = position > *next;
            *next = position.max(*next);
            forward
        });
    }
}

impl Timers for KafkaTimers {
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        self.open_partition(place, epoch).boxed()
    }

    fn close(&self, place: &Place) {
        if let Some(tail) = self.tails.lock().get(&place.topic) {
            tail.partitions.lock().remove(&place.partition.0);
            tail.changed.store(true, Ordering::SeqCst);
        }
    }

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        put: Vec<TimerRow>,
        delete: Vec<TimerId>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            if let Some(epoch) = epoch {
                let tail = self.known_tail(place);
                let current =
                    tail.and_then(|tail| tail.partitions.lock().get(&place.partition.0).map(|t| t.epoch));
                if current != Some(epoch) {
                    return Err(LogError::new(ErrorKind::NotOwner, format!("{place:?} {epoch:?}")));
                }
            } else {
                self.ensure_topic(place).await?;
            }
            let written = self.write(place, put, delete).await;
            if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::NoTopic) {
                self.ensured.lock().await.remove(&place.topic);
            }
            written
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
        async move {
            if let Some(tail) = self.known_tail(place) {
                let partitions = tail.partitions.lock();
                return Ok(partitions
                    .get(&place.partition.0)
                    .map(|t| t.rows.list(query))
                    .unwrap_or_default());
            }
            // Somebody else's, or nobody's: read it once.
            let mut rows = Rows::default();
            let at = self.place(place);
            if self.admin.topic(&at.topic).await?.is_some() {
                self.admin
                    .read(&at, Offset(0), usize::MAX)
                    .await?
                    .iter()
                    .for_each(|record| rows.apply(record));
            }
            Ok(rows.list(query))
        }
        .boxed()
    }
}
