//! Appending to Kafka: idempotent, confirmed by all replicas in sync.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use rdkafka::message::{Header as ForeignHeader, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use super::error::foreign;
use super::options::KafkaOptions;
use crate::log::{
    ErrorKind, Header, LogError, NewRecord, Offset, Partition, Place, Placed, Producer, Sent, TopicName,
};

pub(super) struct KafkaProducer {
    inner: FutureProducer,
    limits: Arc<Limits>,
}

/// The largest record each topic takes, as far as this process has asked. It is checked before a record leaves, since a
/// broker sees compressed batches only.
#[derive(Debug)]
pub(super) struct Limits {
    usual: usize,
    known: RwLock<HashMap<TopicName, usize>>,
}

impl Limits {
    pub(super) fn new(usual: usize) -> Self {
        Self { usual, known: RwLock::default() }
    }

    pub(super) fn learn(&self, topic: &TopicName, limit: usize) {
        self.known.write().insert(topic.clone(), limit);
    }

    fn of(&self, topic: &TopicName) -> usize {
        self.known.read().get(topic).copied().unwrap_or(self.usual)
    }
}

impl KafkaProducer {
    pub(super) fn new(options: &KafkaOptions, limits: Arc<Limits>) -> Result<Self, LogError> {
        let inner = options.producer().create().map_err(|e| foreign(&e))?;
        Ok(Self { inner, limits })
    }
}

fn headers(headers: &[Header]) -> Result<Option<OwnedHeaders>, LogError> {
    if headers.is_empty() {
        return Ok(None);
    }
    let mut all = OwnedHeaders::new_with_capacity(headers.len());
    for header in headers {
        let key = std::str::from_utf8(&header.name)
            .map_err(|_| LogError::new(ErrorKind::Invalid, "the name of a header is not UTF-8"))?;
        all = all.insert(ForeignHeader { key, value: header.value.as_deref() });
    }
    Ok(Some(all))
}

impl KafkaProducer {
    fn queue(&self, record: &NewRecord) -> Result<rdkafka::producer::DeliveryFuture, LogError> {
        if record.size() > self.limits.of(&record.topic) {
            return Err(LogError::new(ErrorKind::TooLarge, format!("{} bytes", record.size())));
        }
        let mut foreign_record = FutureRecord::<[u8], [u8]>::to(record.topic.as_str());
        foreign_record.key = record.key.as_deref();
        foreign_record.payload = record.value.as_deref();
        foreign_record.partition = record.partition.map(|p| i32::try_from(p.0).unwrap_or(i32::MAX));
        foreign_record.timestamp = record.timestamp.map(|t| i64::try_from(t.as_millis()).unwrap_or(i64::MAX));
        foreign_record.headers = headers(&record.headers)?;
        self.inner.send_result(foreign_record).map_err(|(error, _)| foreign(&error))
    }
}

impl Producer for KafkaProducer {
    fn send(&self, record: NewRecord) -> Sent {
        let queued = self.queue(&record);
        let topic = record.topic;
        async move {
            let delivered = queued?.await.map_err(|_| LogError::closed())?;
            let delivery = delivered.map_err(|(error, _)| foreign(&error))?;
            let partition = Partition(u32::try_from(delivery.partition).unwrap_or_default());
            let offset = Offset(u64::try_from(delivery.offset).unwrap_or_default());
            Ok(Placed { place: Place { topic, partition }, offset })
        }
        .boxed()
    }

    fn flush(&self, timeout: Duration) -> BoxFuture<'_, Result<(), LogError>> {
        let inner = self.inner.clone();
        let flushed = tokio::task::spawn_blocking(move || inner.flush(timeout).map_err(|e| foreign(&e)));
        async move { flushed.await.unwrap_or_else(|e| Err(LogError::new(ErrorKind::Fatal, e.to_string()))) }
            .boxed()
    }
}
