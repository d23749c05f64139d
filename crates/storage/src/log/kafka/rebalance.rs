//! What the group wants of a member, as events: librdkafka's callback only notes it down, and the member answers when
//! it is ready. Until it has answered, the partitions are its own.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Timestamp, TopicPartitionList};
use tokio::sync::Notify;

use crate::log::Place;

/// A duty that librdkafka waits to see done.
#[derive(Debug, Clone)]
pub(super) enum Duty {
    Assign(TopicPartitionList),
    Revoke(TopicPartitionList),
}

/// Duties in the order in which they came, each with a number of its own.
#[derive(Debug, Default)]
struct Duties {
    waiting: VecDeque<(u64, Duty)>,
    last: u64,
}

/// What the callbacks share with the member.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    duties: Mutex<Duties>,
    pub(super) wake: Arc<Notify>,
    closing: std::sync::atomic::AtomicBool,
}

impl Inbox {
    /// The duty that comes next; it stays until it is [`done`](Inbox::done), so that one that is broken off is not lost.
    pub(super) fn first(&self) -> Option<(u64, Duty)> {
        self.duties.lock().waiting.front().cloned()
    }

    pub(super) fn add(&self, duty: Duty) {
        let mut duties = self.duties.lock();
        duties.last += 1;
        let number = duties.last;
        duties.waiting.push_back((number, duty));
        drop(duties);
        self.wake.notify_one();
    }

    pub(super) fn done(&self) {
        self.duties.lock().waiting.pop_front();
    }

    /// From now on partitions are given away without asking.
    pub(super) fn close(&self) {
        self.closing.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

/// The callbacks of one member.
#[derive(Debug, Clone, Default)]
pub(super) struct Rebalances {
    pub(super) inbox: Arc<Inbox>,
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        tracing::debug!(?level, fac, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_assign = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.inbox.closing.load(std::sync::atomic::Ordering::SeqCst) {
            let given = if is_assign { Ok(()) } else { consumer.incremental_unassign(list) };
            if let Err(error) = given {
                tracing::debug!(%error, "while leaving a group");
            }
            return;
        }
        let duty = if is_assign { Duty::Assign(list.clone()) } else { Duty::Revoke(list.clone()) };
        self.inbox.add(duty);
    }
}

pub(super) fn places(list: &TopicPartitionList) -> Vec<Place> {
    let place = |e: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        Place::new(e.topic(), u32::try_from(e.partition()).unwrap_or_default())
    };
    list.elements().iter().map(place).collect()
}

pub(super) fn list<'a>(places: impl IntoIterator<Item = &'a Place>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for place in places {
        list.add_partition(place.topic.as_str(), partition(place));
    }
    list
}

pub(super) fn partition(place: &Place) -> i32 {
    i32::try_from(place.partition.0).unwrap_or(i32::MAX)
}

pub(super) fn millis(timestamp: Timestamp) -> denrei_model::Timestamp {
    let millis = timestamp.to_millis().and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default();
    denrei_model::Timestamp::from_millis(millis)
}
