//! Dead letters: seen, put back, thrown away.

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{
    ErrorKind, Header, LogError, NewRecord, Offset, Partition, Place, Record, TopicName,
};

use super::QueueAdmin;
use crate::partition::{dead_letter_topic, without_added};
use crate::wire::{Format, RawTask};

/// A task that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its position among the dead letters of its partition.
    pub offset: Offset,
    /// Where the task came from.
    pub came_from: Place,
    /// At which offset.
    pub came_at: Offset,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is here.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// The task's key.
    pub key: Option<Bytes>,
    /// The task's bytes.
    pub value: Option<Bytes>,
    /// Its headers, without those that say why it is here.
    pub headers: Vec<Header>,
}

/// What was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redriven {
    /// How many tasks.
    pub tasks: u64,
    /// The first dead letter that was not.
    pub next: Offset,
}

fn text(record: &Record, name: &str) -> String {
    record.header(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn number<N: std::str::FromStr + Default>(record: &Record, name: &str) -> N {
    text(record, name).parse().unwrap_or_default()
}

fn letter(record: Record) -> DeadLetter {
    DeadLetter {
        offset: record.offset,
        came_from: Place::new(text(&record, "dl_topic"), number(&record, "dl_partition")),
        came_at: Offset(number(&record, "dl_offset")),
        attempts: number(&record, "dl_attempts"),
        reason: text(&record, "dl_reason"),
        since: Timestamp::from_millis(number(&record, "dl_time")),
        headers: without_added(record.headers),
        key: record.key,
        value: record.value,
    }
}

impl QueueAdmin {
    fn letters_of(&self, topic: &TopicName, partition: u32) -> Place {
        Place::new(dead_letter_topic(topic, &self.group), partition)
    }

    /// The dead letters of a partition from an offset on, `limit` at most. Look at one by asking for one.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn dead_letters(
        &self,
        topic: &TopicName,
        partition: u32,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, LogError> {
        let place = self.letters_of(topic, partition);
        if self.admin.topic(&place.topic).await?.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.admin.read(&place, from, limit).await?.into_iter().map(letter).collect())
    }

    /// How many dead letters a partition has.
    ///
    /// # Errors
    /// If the log cannot be asked.
    pub async fn count_dead_letters(&self, topic: &TopicName, partition: u32) -> Result<u64, LogError> {
        let place = self.letters_of(topic, partition);
        match self.admin.topic(&place.topic).await? {
            Some(info) if partition < info.partitions => {
                let span = self.admin.watermarks(&place).await?;
                Ok(span.end.0.saturating_sub(span.start.0))
            }
            _ => Ok(0),
        }
    }

    /// Puts dead letters of this partition of tasks back on their topic, with all their tries before them, from an offset on and `limit` at most. They
    /// stay among the dead letters until they are purged. Their age counts from now on; their metadata still tells when they were made. What
    /// cannot be decoded is put back as it was.
    ///
    /// # Errors
    /// If the log does not take one; those before it were put back.
    pub async fn redrive(
        &self,
        of: &Place,
        from: Offset,
        limit: usize,
        format: Format,
    ) -> Result<Redriven, LogError> {
        let mut redriven = Redriven { tasks: 0, next: from };
        for letter in self.dead_letters(&of.topic, of.partition.0, from, limit).await? {
            let next = letter.offset.next();
            self.put_back(fresh(letter, format)).await?;
            redriven = Redriven { tasks: redriven.tasks + 1, next };
        }
        Ok(redriven)
    }

    /// A task as large as a record may be has no room for the header that says how young it is, and is as old as it was.
    async fn put_back(&self, record: NewRecord) -> Result<(), LogError> {
        match self.producer.send(record.clone()).await {
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                let headers = RawTask::without_born(record.headers);
                self.producer.send(NewRecord { headers, ..record }).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// Throws away the dead letters of a partition before an offset.
    ///
    /// # Errors
    /// If the log cannot do it.
    pub async fn purge(&self, topic: &TopicName, partition: u32, before: Offset) -> Result<(), LogError> {
        self.admin.trim(&self.letters_of(topic, partition), before).await
    }
}

/// The task of a letter, as if it had just been put.
fn fresh(letter: DeadLetter, format: Format) -> NewRecord {
    let record = Record {
        offset: letter.offset,
        timestamp: letter.since,
        key: letter.key,
        value: letter.value,
        headers: letter.headers,
    };
    let (value, headers) = match RawTask::read(&record, format) {
        Ok(mut task) => {
            task.metadata.retry_count = 0;
            task.metadata.scheduled_time_millis = 0;
            let (value, headers) = task.write_afresh(format);
            (Some(value), headers)
        }
        Err(_) => (record.value, record.headers),
    };
    // A key finds its partition by itself, also if the topic has grown since.
    let partition = record.key.is_none().then_some(Partition(letter.came_from.partition.0));
    NewRecord { topic: letter.came_from.topic, partition, key: record.key, value, headers, timestamp: None }
}
