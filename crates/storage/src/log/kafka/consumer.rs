//! A member of a Kafka consumer group.
//!
//! Each partition has a queue of its own, so that one whose records are not wanted yet holds no other back and loses
//! nothing of what was fetched. librdkafka wakes the member when a queue gets something; nothing is polled in
//! between but a tick that tells librdkafka that the member is alive.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use denrei_model::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};

use super::error::foreign;
use super::options::KafkaOptions;
use super::rebalance::{Duty, Inbox, Rebalances, list, millis, partition, places};
use crate::log::{
    Assigned, Commit, Consumer, ConsumerOptions, Epoch, ErrorKind, Event, Header, LogError, Offset, Place,
    Record,
};

type Foreign = BaseConsumer<Rebalances>;

/// Well below `max.poll.interval.ms`, and often enough to notice events that wake nobody.
const TICK: Duration = Duration::from_millis(500);
/// How long a broker may take to say what a group has committed.
const PATIENCE: Duration = Duration::from_secs(10);

struct Owned {
    epoch: Epoch,
    paused: bool,
    /// The offset that is handed out next: anything before it was seen already.
    next: Offset,
    /// What still came by the member's main queue, before the partition had its own.
    ahead: VecDeque<Record>,
    queue: Option<PartitionQueue<Rebalances>>,
}

pub(super) struct KafkaConsumer {
    consumer: Arc<Foreign>,
    inbox: Arc<Inbox>,
    owned: BTreeMap<Place, Owned>,
    leaving: Option<TopicPartitionList>,
    last: Option<Place>,
    last_epoch: u64,
    max_records: usize,
    clock: Arc<dyn Clock>,
}

impl KafkaConsumer {
    pub(super) fn join(
        kafka: &KafkaOptions,
        options: &ConsumerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let rebalances = Rebalances::default();
        let inbox = Arc::clone(&rebalances.inbox);
        let config = kafka.consumer(options);
        let mut consumer: Foreign = config.create_with_context(rebalances).map_err(|e| foreign(&e))?;
        let wake = Arc::clone(&inbox.wake);
        consumer.set_nonempty_callback(move || wake.notify_one());
        let topics: Vec<&str> = options.topics.iter().map(crate::log::TopicName::as_str).collect();
        consumer.subscribe(&topics).map_err(|e| foreign(&e))?;
        let (owned, max_records) = (BTreeMap::new(), options.max_records.max(1));
        let consumer = Arc::new(consumer);
        Ok(Self { consumer, inbox, owned, leaving: None, last: None, last_epoch: 0, max_records, clock })
    }

    /// Takes events and stray records off the main queue.
    fn serve(&mut self) -> Option<LogError> {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            let message = match polled {
                Ok(message) => message,
                Err(KafkaError::PartitionEOF(_)) => continue,
                Err(error) => return Some(foreign(&error)),
            };
            let place = Place::new(message.topic(), u32::try_from(message.partition()).unwrap_or_default());
            if let Some(owned) = self.owned.get_mut(&place) {
                owned.ahead.push_back(record(&message));
                // Its queue was joined to the main one again when fetching began: part them once more.
                owned.queue = None;
            }
        }
        for (place, owned) in self.owned.iter_mut().filter(|(_, owned)| owned.queue.is_none()) {
            let mut queue = self.consumer.split_partition_queue(place.topic.as_str(), partition(place));
            if let Some(queue) = &mut queue {
                let wake = Arc::clone(&self.inbox.wake);
                queue.set_nonempty_callback(move || wake.notify_one());
            }
            owned.queue = queue;
        }
        None
    }

    /// Does what the group waits for; rebalances that leave this member as it was are no event.
    async fn duty(&mut self) -> Result<Option<Event>, LogError> {
        while let Some(duty) = self.inbox.first() {
            match duty {
                Duty::Revoke(list) => {
                    self.inbox.done();
                    let lost = self.consumer.assignment_lost();
                    let gone = places(&list);
                    self.leaving = Some(list);
                    if lost || gone.is_empty() {
                        self.give_away();
                    }
                    if !gone.is_empty() {
                        return Ok(Some(if lost { Event::Lost(gone) } else { Event::Revoking(gone) }));
                    }
                }
                Duty::Assign(list) => {
                    let consumer = Arc::clone(&self.consumer);
                    let starts = blocking(move || start_positions(&consumer, list)).await?;
                    self.inbox.done();
                    self.consumer.incremental_assign(&assignment(&starts)?).map_err(|e| foreign(&e))?;
                    if !starts.is_empty() {
                        return Ok(Some(Event::Assigned(
                            starts.into_iter().map(|start| self.own(start)).collect(),
                        )));
                    }
                }
            }
        }
        Ok(None)
    }

    fn own(&mut self, start: Assigned) -> Assigned {
        self.last_epoch = (self.last_epoch + 1).max(self.clock.now().as_millis());
        let epoch = Epoch(self.last_epoch);
        let owned = Owned { epoch, paused: false, next: start.position, ahead: VecDeque::new(), queue: None };
        self.owned.insert(start.place.clone(), owned);
        Assigned { epoch, ..start }
    }

    fn give_away(&mut self) {
        let Some(list) = self.leaving.take() else { return };
        for place in places(&list) {
            self.owned.remove(&place);
        }
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "partitions could not be given away");
        }
    }

    /// The next batch of a partition that has one.
    fn fetch(&mut self) -> Result<Option<Event>, LogError> {
        let turn = self.owned.keys().filter(|place| self.last.as_ref().is_none_or(|last| *place > last));
        let again = self.owned.keys().filter(|place| self.last.as_ref().is_some_and(|last| *place <= last));
        let places: Vec<Place> = turn.chain(again).cloned().collect();
        for place in places {
            let Some(owned) = self.owned.get_mut(&place).filter(|owned| !owned.paused) else { continue };
            let records = owned.take(self.max_records)?;
            if !records.is_empty() {
                self.last = Some(place.clone());
                return Ok(Some(Event::Records { place, records }));
            }
        }
        Ok(None)
    }

    async fn next(&mut self) -> Result<Event, LogError> {
        self.give_away();
        loop {
            if let Some(error) = self.serve() {
                if error.kind() == ErrorKind::Fatal {
                    return Err(error);
                }
                return Ok(Event::Trouble(error));
            }
            match self.duty().await {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => return Ok(Event::Trouble(error)),
            }
            if let Some(event) = self.fetch()? {
                return Ok(event);
            }
            if tokio::time::timeout(TICK, self.inbox.wake.notified()).await.is_err() {
                tracing::trace!("nothing new");
            }
        }
    }

    async fn commit_all(&mut self, commits: Vec<Commit>) -> Vec<Result<(), LogError>> {
        let is_mine = |c: &Commit| self.owned.get(&c.place).is_some_and(|owned| owned.epoch == c.epoch);
        let mine: Vec<bool> = commits.iter().map(is_mine).collect();
        let wanted: Vec<Commit> =
            commits.into_iter().zip(&mine).filter(|(_, mine)| **mine).map(|(c, _)| c).collect();
        let consumer = Arc::clone(&self.consumer);
        let done =
            if wanted.is_empty() { Ok(()) } else { blocking(move || commit(&consumer, &wanted)).await };
        let refused = || Err(LogError::new(ErrorKind::NotOwner, "the partition was given away"));
        mine.into_iter().map(|mine| if mine { done.clone() } else { refused() }).collect()
    }
}

impl Owned {
    fn take(&mut self, limit: usize) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        while records.len() < limit {
            let next = match self.ahead.pop_front() {
                Some(record) => record,
                None => match self.queue.as_ref().and_then(|queue| queue.poll(Duration::ZERO)) {
                    None => break,
                    Some(Ok(message)) => record(&message),
                    Some(Err(KafkaError::PartitionEOF(_))) => continue,
                    Some(Err(error)) if records.is_empty() => return Err(foreign(&error)),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "while reading a partition");
                        break;
                    }
                },
            };
            if next.offset >= self.next {
                self.next = next.offset.next();
                records.push(next);
            }
        }
        Ok(records)
    }
}

/// Runs what waits for the broker where waiting is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(LogError::new(ErrorKind::Fatal, e.to_string())))
}

/// Where each partition starts: at what was committed, if that still lies within what is there.
fn start_positions(consumer: &Foreign, wanted: TopicPartitionList) -> Result<Vec<Assigned>, LogError> {
    let committed = consumer.committed_offsets(wanted, PATIENCE).map_err(|e| foreign(&e))?;
    let start = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        element.error().map_err(|e| foreign(&e))?;
        let (topic, partition) = (element.topic(), element.partition());
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE).map_err(|e| foreign(&e))?;
        let place = Place::new(topic, u32::try_from(partition).unwrap_or_default());
        let known = match element.offset() {
            ForeignOffset::Offset(offset) if (low..=high).contains(&offset) => Some(offset),
            _ => None,
        };
        let position = Offset(u64::try_from(known.unwrap_or(low)).unwrap_or_default());
        let metadata = if known.is_some() { element.metadata().to_owned() } else { String::new() };
        Ok(Assigned { place, epoch: Epoch(0), position, committed: known.is_some(), metadata })
    };
    committed.elements().iter().map(start).collect()
}

fn assignment(starts: &[Assigned]) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    for start in starts {
        let offset = ForeignOffset::Offset(i64::try_from(start.position.0).unwrap_or(i64::MAX));
        let added = list.add_partition_offset(start.place.topic.as_str(), partition(&start.place), offset);
        added.map_err(|e| foreign(&e))?;
    }
    Ok(list)
}

fn commit(consumer: &Foreign, commits: &[Commit]) -> Result<(), LogError> {
    let offsets = list(commits.iter().map(|c| &c.place));
    for commit in commits {
        let Some(mut element) = offsets.find_partition(commit.place.topic.as_str(), partition(&commit.place))
        else {
            continue;
        };
        let offset = i64::try_from(commit.offset.0).unwrap_or(i64::MAX);
        element.set_offset(ForeignOffset::Offset(offset)).map_err(|e| foreign(&e))?;
        element.set_metadata(commit.metadata.as_str());
    }
    consumer.commit(&offsets, CommitMode::Sync).map_err(|e| foreign(&e))
}

/// A record of our own in one piece of memory.
pub(super) fn record(message: &BorrowedMessage<'_>) -> Record {
    let (key, value) = (message.key(), message.payload());
    let headers = message.headers();
    let header_bytes: usize =
        headers.map_or(0, |all| all.iter().map(|h| h.key.len() + h.value.map_or(0, <[u8]>::len)).sum());
    let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + header_bytes;
    let mut memory = BytesMut::with_capacity(size);
    let mut keep = |bytes: &[u8]| {
        memory.extend_from_slice(bytes);
        memory.split().freeze()
    };
    let (key, value): (Option<Bytes>, Option<Bytes>) = (key.map(&mut keep), value.map(&mut keep));
    let header = |h: rdkafka::message::Header<'_, &[u8]>| Header {
        name: keep(h.key.as_bytes()),
        value: h.value.map(&mut keep),
    };
    Record {
        offset: Offset(u64::try_from(message.offset()).unwrap_or_default()),
        timestamp: millis(message.timestamp()),
        key,
        value,
        headers: headers.map(|all| all.iter().map(header).collect()).unwrap_or_default(),
    }
}

impl Consumer for KafkaConsumer {
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>> {
        self.next().boxed()
    }

    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>> {
        self.commit_all(commits).boxed()
    }

    fn pause(&mut self, place: &Place) {
        if let Some(owned) = self.owned.get_mut(place) {
            owned.paused = true;
        }
    }

    fn resume(&mut self, place: &Place) {
        if let Some(owned) = self.owned.get_mut(place) {
            owned.paused = false;
        }
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<(), LogError>> {
        self.give_away();
        self.inbox.close();
        self.owned.clear();
        // Leaving is said to the broker, and waited for, when the last handle goes.
        blocking(move || {
            drop(self);
            Ok(())
        })
        .boxed()
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.inbox.close();
        self.owned.clear();
        let consumer = Arc::clone(&self.consumer);
        // Dropping the last handle waits for the broker; that must not happen on a thread of the runtime.
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(std::thread::Builder::new().name("kafka-leave".to_owned()).spawn(move || drop(consumer)));
        }
    }
}
