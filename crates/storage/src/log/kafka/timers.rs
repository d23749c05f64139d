//! Timers as a compact topic beside each task topic, partition by partition.
//!
//! Whoever owns a task partition tails the timer partition of the same number into an index, from its beginning. The index
//! changes by what is tailed alone, its own writes included, so that its order is the log's. A write is answered
//! when it is durable *and* tailed: what was deleted is not listed again.
//!
//! ```text
//! record     what a record of a timer looks like
//! rows       what records say, kept in cells
//! cells      what rows are kept in
//! index      cells on local disk: what is in memory is bounded, however many timers wait
//! directory  where that is, and that it goes
//! tail       one thread a topic, which fills an index for each partition that is open
//! ```

mod cells;
mod directory;
mod index;
mod record;
mod rows;
mod tail;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, OptionFuture, try_join_all};
use parking_lot::Mutex;
use rdkafka::consumer::BaseConsumer;
use tokio::task::JoinHandle;

use super::admin::{KafkaAdmin, each_record};
use super::consumer::blocking;
use super::error::foreign;
use super::options::{HEADROOM, KafkaOptions};
use super::producer::KafkaProducer;
use crate::log::{
    Admin as _, Epoch, ErrorKind, GroupId, LogError, NewRecord, Offset, Partition, Place, Producer as _,
    TimerChange, TimerQuery, TimerRow, Timers, TopicName,
};
use index::Index;
pub(super) use index::Stores;
pub use index::TimerIndexes;
use record::record_of;
use rows::Rows;
use tail::Tail;

/// Timers that are settled at once, and bytes of what they carry, unless a single one carries more.
const SETTLED: (usize, usize) = (512, 1 << 20);

/// The timers of one group on Kafka.
pub(super) struct KafkaTimers {
    options: Arc<KafkaOptions>,
    producer: Arc<KafkaProducer>,
    admin: Arc<KafkaAdmin>,
    group: GroupId,
    stores: Arc<Stores>,
    tails: Mutex<HashMap<TopicName, Arc<Tail>>>,
    /// Topics of tasks whose timers have a topic, and for how many partitions: asked for once, not by each partition.
    ensured: tokio::sync::Mutex<HashMap<TopicName, u32>>,
}

impl KafkaTimers {
    pub(super) fn new(
        options: Arc<KafkaOptions>,
        producer: Arc<KafkaProducer>,
        admin: Arc<KafkaAdmin>,
        stores: Arc<Stores>,
        group: GroupId,
    ) -> Self {
        let (tails, ensured) = Default::default();
        Self { options, producer, admin, group, stores, tails, ensured }
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
        let tail = Arc::new(Tail::new(Arc::clone(&self.stores)));
        let reader: BaseConsumer = self.options.reader("timers").create().map_err(|e| foreign(&e))?;
        let (theirs, name) = (Arc::clone(&tail), self.topic(topic));
        std::thread::Builder::new()
            .name("kafka-timers".to_owned())
            .spawn(move || theirs.follow(&reader, &name))
            .map_err(|e| LogError::new(ErrorKind::Fatal, e.to_string()))?;
        tails.insert(topic.clone(), Arc::clone(&tail));
        Ok(tail)
    }

    async fn open_partition(&self, place: &Place, epoch: Epoch) -> Result<(), LogError> {
        self.ensure_topic(place).await?;
        let tail = self.tail(&place.topic)?;
        tail.announce(place.partition, epoch);
        let marks = self.admin.watermarks(&self.place(place)).await;
        if marks.is_err() {
            // It may have been deleted, and is looked for again by the next try.
            self.ensured.lock().await.remove(&place.topic);
        }
        let marks = marks?;
        let (opened, partition) = (Arc::clone(&tail), place.partition);
        blocking(move || opened.open(partition, epoch, marks)).await?;
        tail.caught_up(partition, marks.end).await?;
        drop(OptionFuture::from(self.settle(place, &tail)).await);
        Ok(())
    }

    fn known_tail(&self, place: &Place) -> Option<Arc<Tail>> {
        let tail = self.tails.lock().get(&place.topic).map(Arc::clone)?;
        tail.epoch(place.partition).is_some().then_some(tail)
    }

    /// Writes down what the last word of the log on some timers is not, although it holds: what was overruled would come back with
    /// the next who reads the log from its beginning, once it is compacted. What is tried in vain is tried again.
    ///
    /// It is done even if nobody waits for it.
    fn settle(&self, place: &Place, tail: &Arc<Tail>) -> Option<JoinHandle<()>> {
        let (producer, tail, at) = (Arc::clone(&self.producer), Arc::clone(tail), self.place(place));
        let rows = tail.begin_to_settle(at.partition)?;
        Some(tokio::spawn(async move {
            if let Err(error) = settle_all(&producer, &tail, &at, &rows).await {
                tracing::warn!(%error, ?at, "what was overruled among the timers stays in the log for now");
            }
            tail.end_settling(at.partition);
        }))
    }

    /// Timers of a partition that nobody here tails: all of it is read, once.
    async fn list_of_others(&self, at: Place, query: TimerQuery) -> Result<Vec<TimerRow>, LogError> {
        if self.admin.topic(&at.topic).await?.is_none() {
            return Ok(Vec::new());
        }
        let (reader, stores) = (self.admin.reader(None)?, Arc::clone(&self.stores));
        blocking(move || {
            let rows = Rows::new(stores.index()?);
            each_record(&reader, &at, Offset(0), &mut |record| {
                rows.apply(&record, true)?;
                Ok(ControlFlow::Continue(()))
            })?;
            rows.list(query)
        })
        .await
    }
}

/// What the index of an open partition says. None: it was closed meanwhile.
async fn ask<T: Send + 'static>(
    tail: &Tail,
    partition: Partition,
    rows: &Weak<Rows<Index>>,
    question: impl FnOnce(&Rows<Index>) -> Result<T, LogError> + Send + 'static,
) -> Result<Option<T>, LogError> {
    let asked = Weak::clone(rows);
    let answer = blocking(move || asked.upgrade().map(|rows| question(&rows)).transpose()).await;
    answer.inspect_err(|error| tail.failed(partition, rows, error))
}

/// Each timer once, a page after the other.
async fn settle_all(
    producer: &KafkaProducer,
    tail: &Tail,
    at: &Place,
    rows: &Weak<Rows<Index>>,
) -> Result<(), LogError> {
    let (mut after, (limit, bytes)) = (None, SETTLED);
    loop {
        let due = ask(tail, at.partition, rows, move |rows| rows.settling(after, limit, bytes)).await?;
        let due = due.unwrap_or_default();
        let Some(last) = due.last() else { return Ok(()) };
        after = Some(last.id);
        let records = due.into_iter().map(|settling| settling.record(at)).collect();
        write(producer, Some(tail), at.partition, records).await?;
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
        Some((tail, end)) => tail.caught_up(partition, end).await,
        None => Ok(()),
    }
}

impl Drop for KafkaTimers {
    fn drop(&mut self) {
        for tail in self.tails.lock().values() {
            tail.end();
        }
    }
}

impl Timers for KafkaTimers {
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        self.open_partition(place, epoch).boxed()
    }

    fn close(&self, place: &Place, epoch: Epoch) {
        let Some(tail) = self.tails.lock().get(&place.topic).map(Arc::clone) else { return };
        tail.close(place.partition, epoch);
    }

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            if let Some(epoch) = epoch {
                let current = self.known_tail(place).and_then(|tail| tail.epoch(place.partition));
                if current != Some(epoch) {
                    return Err(LogError::new(ErrorKind::NotOwner, format!("{place:?} {epoch:?}")));
                }
            } else {
                self.ensure_topic(place).await?;
            }
            let at = self.place(place);
            let records = changes.into_iter().map(|change| record_of(&at, change)).collect();
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
            let at = self.place(place);
            if let Some(tail) = self.known_tail(place) {
                // Its owner has waited for that, and asks the disk alone from then on, no broker.
                tail.is_read(at.partition).await?;
                if let Some(rows) = tail.rows(at.partition).transpose()? {
                    drop(self.settle(place, &tail));
                    let rows = ask(&tail, at.partition, &rows, move |rows| rows.list(query)).await?;
                    if let Some(rows) = rows {
                        return Ok(rows);
                    }
                }
            }
            self.list_of_others(at, query).await
        }
        .boxed()
    }
}
