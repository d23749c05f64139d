//! Putting tasks on a topic.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_model::{Clock, Timestamp};
use denrei_storage::log::{Header, LogError, NewRecord, Partition, Placed, Producer, TopicName};

use crate::codec::{Codec, CodecError};
use crate::wire::{Format, Metadata, RawTask, to_millis};

/// Why a task was not put on its topic.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It has no form in the topic's codec.
    #[error("the task cannot be encoded: {0}")]
    Codec(#[from] CodecError),
    /// The log did not take it, or did not say so in time: then it may be there all the same.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Who puts tasks: part of their metadata.
#[derive(Debug, Clone)]
pub struct Source {
    /// The application.
    pub application: String,
    /// Which of its instances.
    pub instance: String,
}

/// How one task is put, beside its key and content.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// When the task was made; now, if none is given.
    pub timestamp: Option<Timestamp>,
    /// Not to be run before this time.
    pub scheduled: Option<Timestamp>,
    /// Which partition; by the key, if none is given.
    pub partition: Option<u32>,
    /// Headers that go with it; they are kept across retries.
    pub headers: Vec<Header>,
}

/// Puts tasks of one type on one topic. Cheap to clone.
pub struct TaskClient<T> {
    producer: Arc<dyn Producer>,
    codec: Arc<dyn Codec<T>>,
    topic: TopicName,
    format: Format,
    source: Source,
    clock: Arc<dyn Clock>,
    task: PhantomData<fn(T)>,
}

impl<T> Clone for TaskClient<T> {
    fn clone(&self) -> Self {
        Self {
            producer: Arc::clone(&self.producer),
            codec: Arc::clone(&self.codec),
            topic: self.topic.clone(),
            format: self.format,
            source: self.source.clone(),
            clock: Arc::clone(&self.clock),
            task: PhantomData,
        }
    }
}

impl<T> fmt::Debug for TaskClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskClient")
            .field("topic", &self.topic)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl<T: 'static> TaskClient<T> {
    /// A client that writes the header format.
    pub fn new(
        producer: Arc<dyn Producer>,
        clock: Arc<dyn Clock>,
        source: Source,
        topic: impl Into<TopicName>,
        codec: impl Codec<T>,
    ) -> Self {
        let (topic, codec) = (topic.into(), Arc::new(codec));
        Self { producer, codec, topic, format: Format::Header, source, clock, task: PhantomData }
    }

    /// Writes this format instead.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Puts a task of this key. Queued at once, in the order of the calls; the answer comes when it is durable.
    ///
    /// # Errors
    /// If it cannot be encoded, or the log does not take it.
    pub fn put(
        &self,
        key: impl Into<Bytes>,
        task: &T,
    ) -> impl Future<Output = Result<Placed, PutError>> + Send + 'static {
        self.put_with(Some(key.into()), task, PutOptions::default())
    }

    /// Puts a task that is not to run before `delay` has passed.
    ///
    /// # Errors
    /// If it cannot be encoded, or the log does not take it.
    pub fn put_after(
        &self,
        delay: Duration,
        key: impl Into<Bytes>,
        task: &T,
    ) -> impl Future<Output = Result<Placed, PutError>> + Send + 'static {
        let options = PutOptions { scheduled: Some(self.clock.now().plus(delay)), ..PutOptions::default() };
        self.put_with(Some(key.into()), task, options)
    }

    /// Puts a task with everything said.
    ///
    /// # Errors
    /// If it cannot be encoded, or the log does not take it.
    pub fn put_with(
        &self,
        key: Option<Bytes>,
        task: &T,
        options: PutOptions,
    ) -> impl Future<Output = Result<Placed, PutError>> + Send + 'static {
        let timestamp = options.timestamp.unwrap_or_else(|| self.clock.now());
        let sent = self.codec.encode(task).map(|value| {
            let metadata = Metadata {
                timestamp_millis: to_millis(timestamp),
                source_application_id: self.source.application.clone(),
                source_instance_id: self.source.instance.clone(),
                retry_count: 0,
                scheduled_time_millis: options.scheduled.map_or(0, to_millis),
            };
            let task = RawTask { key, value, metadata, headers: options.headers };
            let (value, headers) = task.write(self.format);
            self.producer.send(NewRecord {
                topic: self.topic.clone(),
                partition: options.partition.map(Partition),
                key: task.key,
                value: Some(value),
                headers,
                timestamp: Some(timestamp),
            })
        });
        async move { Ok(sent?.await?) }
    }
}
