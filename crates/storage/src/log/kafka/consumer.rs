//! A member of a Kafka consumer group.
//!
//! Each partition has a queue of its own from before its assignment on (librdkafka remembers that, and sends none of its records
//! another way), and is read by whoever runs its tasks. The member itself serves what the group wants; librdkafka wakes it, and
//! nothing is polled in between but a tick that tells librdkafka that the member is alive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};

use super::aside::Aside;
use super::error::foreign;
use super::options::KafkaOptions;
use super::rebalance::{Duty, Inbox, Rebalances, list, partition, places};
use super::records::{Fetched, KafkaRecords};
use crate::log::admin::after_reset;
use crate::log::{
    Assigned, Commit, Consumer, ConsumerOptions, Epoch, ErrorKind, Event, LogError, Offset, Place, Records,
};

type Foreign = BaseConsumer<Rebalances>;

/// Well below `max.poll.interval.ms`, and often enough to notice events that wake nobody.
const TICK: Duration = Duration::from_millis(500);
/// How long a broker may take to say what a group has committed.
const PATIENCE: Duration = Duration::from_secs(10);

struct Owned {
    epoch: Epoch,
    fetched: Arc<Fetched>,
    /// Whether somebody reads it.
    is_read: bool,
}

pub(super) struct KafkaConsumer {
    consumer: Arc<Foreign>,
    inbox: Arc<Inbox>,
    owned: BTreeMap<Place, Owned>,
    leaving: Option<TopicPartitionList>,
    /// Where the partitions of the assignment in hand start. Asking may take longer than anybody polls at a time.
    starts: Aside<Vec<Assigned>>,
    last_epoch: u64,
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
        let (consumer, owned, starts) = (Arc::new(consumer), BTreeMap::new(), Aside::default());
        Ok(Self { consumer, inbox, owned, leaving: None, starts, last_epoch: 0, clock })
    }

    /// Takes events off the main queue.
    fn serve(&mut self) -> Result<Option<Event>, LogError> {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            let place = match polled {
                Ok(message) => {
                    Place::new(message.topic(), u32::try_from(message.partition()).unwrap_or_default())
                }
                Err(KafkaError::PartitionEOF(_)) => continue,
                Err(error) => return Err(foreign(&error)),
            };
            if self.owned.contains_key(&place) {
                return Ok(Some(self.start_over(place)));
            }
        }
        Ok(None)
    }

    /// A record of ours came another way than it should, which was never seen: to go on would be to lose it.
    fn start_over(&mut self, place: Place) -> Event {
        tracing::error!(?place, "a record went astray; reading again from what is committed");
        let list = list([&place]);
        self.owned.remove(&place);
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "a partition could not be given away");
        }
        self.inbox.add(Duty::Assign(list));
        Event::Lost(vec![place])
    }

    /// Does what the group waits for; rebalances that leave this member as it was are no event.
    async fn duty(&mut self) -> Result<Option<Event>, LogError> {
        while let Some((number, duty)) = self.inbox.first() {
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
                    let starts = self.starts.done(number, move || start_positions(&consumer, list)).await?;
                    let list = assignment(&starts)?;
                    self.inbox.done();
                    let starts: Vec<Assigned> = starts.into_iter().filter_map(|s| self.own(s)).collect();
                    self.consumer.incremental_assign(&list).map_err(|e| foreign(&e))?;
                    if !starts.is_empty() {
                        return Ok(Some(Event::Assigned(starts)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn own(&mut self, start: Assigned) -> Option<Assigned> {
        self.last_epoch = (self.last_epoch + 1).max(self.clock.now().as_millis());
        let epoch = Epoch(self.last_epoch);
        let (topic, partition) = (start.place.topic.as_str(), partition(&start.place));
        let queue = self.consumer.split_partition_queue(topic, partition)?;
        let fetched = Fetched::new(queue, start.position);
        self.owned.insert(start.place.clone(), Owned { epoch, fetched, is_read: false });
        Some(Assigned { epoch, ..start })
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

    async fn next(&mut self) -> Result<Event, LogError> {
        self.give_away();
        loop {
            match self.serve() {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Fatal => return Err(error),
                Err(error) => return Ok(Event::Trouble(error)),
            }
            match self.duty().await {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => return Ok(Event::Trouble(error)),
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

impl Drop for Owned {
    /// Whoever reads it learns that it is over; librdkafka's queue goes here and now, not where a reader happens to be dropped.
    fn drop(&mut self) {
        self.fetched.close();
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
        let metadata = element.metadata();
        let metadata = if known.is_some() { metadata.to_owned() } else { after_reset(metadata) };
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

impl Consumer for KafkaConsumer {
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>> {
        self.next().boxed()
    }

    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>> {
        self.commit_all(commits).boxed()
    }

    fn records(&mut self, place: &Place) -> Option<Box<dyn Records>> {
        let owned = self.owned.get_mut(place).filter(|owned| !owned.is_read)?;
        owned.is_read = true;
        Some(Box::new(KafkaRecords::new(Arc::clone(&owned.fetched))))
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
