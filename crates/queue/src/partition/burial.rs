//! Writing dead letters: the task as it was, with headers that say what happened.
//!
//! | header | |
//! |---|---|
//! | `dl_topic`, `dl_partition`, `dl_offset` | where the task came from |
//! | `dl_attempts` | how often it was tried |
//! | `dl_reason` | why it is here |
//! | `dl_time` | since when, in milliseconds |

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{
    Admin, ErrorKind, GroupId, Header, LogError, NewRecord, Offset, Partition, Place, Producer, TopicConfig,
    TopicName,
};
use parking_lot::Mutex;
use tokio::time::Instant;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A reason is cut to this many bytes, so that whatever carries it beside a task stays within [`HEADROOM`].
const MAX_REASON: usize = 4_096;
/// What a dead letter or a timer may add to a task.
pub(crate) const HEADROOM: usize = 64 << 10;

/// The headers that a letter adds, in this order.
const ADDED: [&str; 6] = ["dl_topic", "dl_partition", "dl_offset", "dl_attempts", "dl_reason", "dl_time"];

/// The topic of a group's dead letters of a topic.
pub(crate) fn dead_letter_topic(topic: &TopicName, group: &GroupId) -> TopicName {
    TopicName::from(format!("{topic}.{group}.dead-letters"))
}

/// As much of a reason as is kept.
pub(super) fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason
}

/// What is to be buried.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) place: Place,
    pub(crate) offset: Offset,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    /// The record's own headers, `dt_meta` included.
    pub(crate) headers: Vec<Header>,
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

/// When it was last asked how large a letter of each topic may be.
pub(crate) type Asked = Arc<Mutex<HashMap<TopicName, Instant>>>;

/// Where letters go.
#[derive(Clone)]
pub(crate) struct Cemetery {
    pub(crate) producer: Arc<dyn Producer>,
    pub(crate) admin: Arc<dyn Admin>,
    pub(crate) group: GroupId,
    pub(crate) failures: metrics::Counter,
    pub(crate) asked: Asked,
}

impl Letter {
    fn record(&self, topic: TopicName) -> NewRecord {
        let reason = shortened(self.reason.clone());
        let mut headers = self.headers.clone();
        let about = [
            self.place.topic.as_str().to_owned(),
            self.place.partition.0.to_string(),
            self.offset.0.to_string(),
            self.attempts.to_string(),
            reason,
            self.at.as_millis().to_string(),
        ];
        headers.extend(ADDED.into_iter().zip(about).map(|(name, value)| Header::new(name, value)));
        NewRecord {
            topic,
            partition: Some(Partition(self.place.partition.0)),
            key: self.key.clone(),
            value: self.value.clone(),
            headers,
            timestamp: None,
        }
    }
}

/// The headers that a task had before it was buried: of each that is added, the last is the letter's. A task may have had some of
/// these names itself.
pub(crate) fn without_added(mut headers: Vec<Header>) -> Vec<Header> {
    for name in ADDED {
        if let Some(at) = headers.iter().rposition(|header| header.name == name.as_bytes()) {
            headers.remove(at);
        }
    }
    headers
}

impl Cemetery {
    /// Writes a letter; resolves when it is durable, however long that takes. One that is larger than its topic takes is neither cut
    /// nor lost: it waits until the topic takes more, and is tried twice a minute.
    pub(crate) async fn bury(self, letter: Letter) {
        let mut wait = FIRST_RETRY;
        loop {
            match self.write(&letter).await {
                Ok(()) => return,
                Err(error) => {
                    self.failures.increment(1);
                    wait = if error.kind() == ErrorKind::TooLarge { LAST_RETRY } else { wait };
                    tracing::error!(%error, place = ?letter.place, "a dead letter could not be written; it will be");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_RETRY);
        }
    }

    /// Puts a record on a topic; resolves when it is durable, however long that takes.
    pub(crate) async fn post(self, record: NewRecord) {
        let mut wait = FIRST_RETRY;
        while let Err(error) = self.producer.send(record.clone()).await {
            self.failures.increment(1);
            tracing::error!(%error, topic = %record.topic, "a retry could not be written; it will be");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_RETRY);
        }
    }

    async fn write(&self, letter: &Letter) -> Result<(), LogError> {
        let letters = dead_letter_topic(&letter.place.topic, &self.group);
        match self.producer.send(letter.record(letters.clone())).await {
            Err(error) if matches!(error.kind(), ErrorKind::NoTopic | ErrorKind::NoPartition) => {
                self.ensure_topic(&letter.place.topic).await?;
                Err(error)
            }
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                self.ask_size(letters).await;
                Err(error)
            }
            other => other.map(drop),
        }
    }

    /// A producer of Kafka refuses by what it was told last of the topic: this has it told anew. One asks for all letters that wait,
    /// for there may be thousands.
    async fn ask_size(&self, letters: TopicName) {
        let now = Instant::now();
        let last = self.asked.lock().get(&letters).copied();
        if last.is_some_and(|last| now < last + LAST_RETRY) {
            return;
        }
        self.asked.lock().insert(letters.clone(), now);
        if let Err(error) = self.admin.topic(&letters).await {
            tracing::warn!(%error, topic = %letters, "the size of dead letters cannot be asked");
        }
    }

    /// Makes sure that the dead letters of a topic have somewhere to go, with room for what they add.
    pub(crate) async fn ensure_topic(&self, of: &TopicName) -> Result<(), LogError> {
        let Some(tasks) = self.admin.topic(of).await? else { return Ok(()) };
        let topic = dead_letter_topic(of, &self.group);
        let needed = tasks.max_record_bytes + HEADROOM;
        let Some(found) = self.admin.topic(&topic).await? else {
            let config = TopicConfig {
                retention: None,
                max_record_bytes: needed,
                ..TopicConfig::new(tasks.partitions)
            };
            let created = self.admin.create_topic(&topic, config).await;
            return created.or_else(|e| if e.kind() == ErrorKind::TopicExists { Ok(()) } else { Err(e) });
        };
        if found.max_record_bytes < needed {
            let what = format!("{topic} takes {} bytes a record; it needs {needed}", found.max_record_bytes);
            return Err(LogError::new(ErrorKind::Invalid, what));
        }
        if found.partitions < tasks.partitions {
            self.admin.grow_topic(&topic, tasks.partitions).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
