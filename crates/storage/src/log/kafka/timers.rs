//! Timers as a compact topic beside each task topic, partition by partition.
//!
//! Whoever owns a task partition tails the timer partition of the same number into an index, from its beginning. The index
//! changes by what is tailed alone, its own writes included, so that its order is the log's. A write is answered
//! when it is durable *and* tailed: what was deleted is not listed again.

mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, OptionFuture, try_join_all};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admin::KafkaAdmin;
use super::error::foreign;
use super::options::{HEADROOM, KafkaOptions};
use super::producer::KafkaProducer;
use super::records::record;
use crate::log::{
    Admin as _, Epoch, ErrorKind, GroupId, LogError, NewRecord, Offset, Partition, Place, Producer as _,
    Record, TimerChange, TimerQuery, TimerRow, Timers, TopicName, Watermarks,
};
use rows::{Rows, Settling};

/// How long the tail sleeps in librdkafka before it looks whether partitions came or went.
const TICK: Duration = Duration::from_millis(20);
/// How long a write may take to come back by the tail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A partition that is tailed.
#[derive(Debug)]
struct Tailed {
    epoch: Epoch,
    /// Tells it from one that was tailed under the same number before, and read to its end.
    turn: u64,
    rows: Rows,
    /// Records before this one were there already when the tail began.
    began_at: Offset,
    /// What was overruled is being settled.
    is_settling: bool,
    /// The offset that the tail waits for.
    next: watch::Sender<u64>,
}

/// What the tail of one topic shares with those who ask.
#[derive(Debug, Default)]
struct Tail {
    partitions: Mutex<BTreeMap<u32, Tailed>>,
    turns: AtomicU64,
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
                let (next, turn) = (watch::Sender::new(start.0), tail.turns.fetch_add(1, Ordering::Relaxed));
                Tailed { epoch, turn, rows: Rows::default(), began_at: end, is_settling: false, next }
            });
        caught_up(&tail, place.partition, end).await?;
        if let Some(tailed) = tail.partitions.lock().get_mut(&place.partition.0) {
            tailed.rows.are_complete();
        }
        drop(OptionFuture::from(self.settle(place, &tail)).await);
        Ok(())
    }

    fn known_tail(&self, place: &Place) -> Option<Arc<Tail>> {
        let tail = self.tails.lock().get(&place.topic).map(Arc::clone)?;
        let is_open = tail.partitions.lock().contains_key(&place.partition.0);
        is_open.then_some(tail)
    }

    /// Writes down what the last word of the log on some timers is not, although it holds: what was overruled would come back with
    /// the next who reads the log from its beginning, once it is compacted. What is tried in vain is tried again.
    ///
    /// It is done even if nobody waits for it.
    fn settle(&self, place: &Place, tail: &Arc<Tail>) -> Option<JoinHandle<()>> {
        let (producer, tail, at) = (Arc::clone(&self.producer), Arc::clone(tail), self.place(place));
        let due = tail.begin_to_settle(at.partition)?;
        Some(tokio::spawn(async move {
            let records = due.into_iter().map(|settling| settling.record(&at)).collect();
            if let Err(error) = write(&producer, Some(&tail), at.partition, records).await {
                tracing::warn!(%error, ?at, "what was overruled among the timers stays in the log for now");
            }
            if let Some(tailed) = tail.partitions.lock().get_mut(&at.partition.0) {
                tailed.is_settling = false;
            }
        }))
    }
}

impl Tail {
    /// What is to be settled in a partition; none if there is nothing, or somebody is at it.
    fn begin_to_settle(&self, partition: Partition) -> Option<Vec<Settling>> {
        let mut partitions = self.partitions.lock();
        let tailed = partitions.get_mut(&partition.0).filter(|tailed| !tailed.is_settling)?;
        let due = Some(tailed.rows.settling()).filter(|due| !due.is_empty());
        tailed.is_settling = due.is_some();
        due
    }
}

/// Resolves when the records are durable, and tailed if somebody here tails them.
async fn write(
    producer: &KafkaProducer,
    tail: Option<&Tail>,
    partition: Partition,
    records: Vec<NewRecord>,
) -> Result<(), LogError> {
    let (puts, deletes): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.value.is_some());
    let mut placed = Vec::new();
    // What replaces a timer is durable before the timer is deleted.
    for records in [puts, deletes] {
        let sent = records.into_iter().map(|record| producer.send(record));
        placed.extend(try_join_all(sent.collect::<Vec<_>>()).await?);
    }
    let end = placed.iter().map(|placed| placed.offset.next()).max();
    match tail.zip(end) {
        Some((tail, end)) => caught_up(tail, partition, end).await,
        None => Ok(()),
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
    // What is read. A partition that was closed and opened again meanwhile is not, and what is still heard of it is of the past.
    let mut turns = BTreeMap::new();
    while !tail.closed.load(Ordering::SeqCst) {
        if tail.changed.swap(false, Ordering::SeqCst) {
            match assign(tail, reader, topic) {
                Ok(assigned) => turns = assigned,
                Err(error) => {
                    tracing::warn!(%error, %topic, "timers cannot be read");
                    tail.changed.store(true, Ordering::SeqCst);
                }
            }
        }
        match reader.poll(TICK) {
            Some(Ok(message)) => {
                let partition = u32::try_from(message.partition()).unwrap_or_default();
                apply(tail, &turns, partition, &record(&message));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => at_end(tail, &turns, reader, topic, partition),
            Some(Err(error)) => tracing::warn!(%error, %topic, "timers"),
            None => {}
        }
    }
}

/// Has the reader read all that is to be tailed; the turns of these partitions.
fn assign(tail: &Tail, reader: &BaseConsumer, topic: &TopicName) -> Result<BTreeMap<u32, u64>, KafkaError> {
    let (mut list, mut turns) = (TopicPartitionList::new(), BTreeMap::new());
    for (partition, tailed) in tail.partitions.lock().iter() {
        turns.insert(*partition, tailed.turn);
        let next = i64::try_from(*tailed.next.borrow()).unwrap_or(i64::MAX);
        let (partition, from) = (i32::try_from(*partition).unwrap_or(i32::MAX), ForeignOffset::Offset(next));
        list.add_partition_offset(topic.as_str(), partition, from)?;
    }
    reader.assign(&list)?;
    Ok(turns)
}

fn apply(tail: &Tail, turns: &BTreeMap<u32, u64>, partition: u32, record: &Record) {
    let mut partitions = tail.partitions.lock();
    let tailed = partitions.get_mut(&partition);
    let Some(tailed) = tailed.filter(|tailed| turns.get(&partition) == Some(&tailed.turn)) else { return };
    if record.offset.0 >= *tailed.next.borrow() {
        tailed.rows.apply(record, record.offset < tailed.began_at);
        tailed.next.send_replace(record.offset.next().0);
    }
}

/// Compaction leaves gaps: at the end of the partition, the tail stands at the end whatever it saw last.
fn at_end(tail: &Tail, turns: &BTreeMap<u32, u64>, reader: &BaseConsumer, topic: &TopicName, partition: i32) {
    let Ok(positions) = reader.position() else { return };
    let position = match positions.find_partition(topic.as_str(), partition).map(|e| e.offset()) {
        Some(ForeignOffset::Offset(position)) => position,
        // Nothing was ever read: the partition is empty, and begins where it ends.
        _ => reader.fetch_watermarks(topic.as_str(), partition, PATIENCE).map_or(0, |(low, _)| low),
    };
    let (partition, position) =
        (u32::try_from(partition).unwrap_or_default(), u64::try_from(position).unwrap_or(0));
    let partitions = tail.partitions.lock();
    if let Some(tailed) =
        partitions.get(&partition).filter(|tailed| turns.get(&partition) == Some(&tailed.turn))
    {
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

    fn close(&self, place: &Place, epoch: Epoch) {
        let Some(tail) = self.tails.lock().get(&place.topic).map(Arc::clone) else { return };
        let mut partitions = tail.partitions.lock();
        if partitions.get(&place.partition.0).is_some_and(|tailed| tailed.epoch == epoch) {
            partitions.remove(&place.partition.0);
            tail.changed.store(true, Ordering::SeqCst);
        }
    }

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
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
            let at = self.place(place);
            let records = changes.into_iter().map(|change| rows::record_of(&at, change)).collect();
            let tail = self.known_tail(place);
            let written = write(&self.producer, tail.as_deref(), at.partition, records).await;
            if let (Some(tail), Some(_), Ok(())) = (&tail, epoch, &written) {
                // The owner may be about to go, and nobody else would before the next one comes.
                drop(OptionFuture::from(self.settle(place, tail)).await);
            }
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
                // Whoever asks looks at the memory alone, and waits for no broker.
                drop(self.settle(place, &tail));
                let partitions = tail.partitions.lock();
                if let Some(tailed) = partitions.get(&place.partition.0) {
                    return Ok(tailed.rows.list(query));
                }
            }
            // Somebody else's, or nobody's: read it once.
            let mut rows = Rows::default();
            let at = self.place(place);
            if self.admin.topic(&at.topic).await?.is_some() {
                self.admin
                    .read(&at, Offset(0), usize::MAX)
                    .await?
                    .iter()
                    .for_each(|record| rows.apply(record, true));
            }
            Ok(rows.list(query))
        }
        .boxed()
    }
}
