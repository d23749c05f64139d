//! Looking after a Kafka cluster's topics and groups.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};

use super::consumer::blocking;
use super::error::{foreign, of_code};
use super::options::{HEADROOM, KafkaOptions};
use super::producer::Limits;
use super::rebalance::partition;
use super::records::record;
use crate::log::admin::after_reset;
use crate::log::{
    Admin, ErrorKind, GroupId, GroupOffset, LogError, Offset, Place, Record, TopicConfig, TopicInfo,
    TopicName, Watermarks,
};

const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct KafkaAdmin {
    inner: AdminClient<DefaultClientContext>,
    options: Arc<KafkaOptions>,
    limits: Arc<Limits>,
    /// Asks for watermarks. Kept: to find the brokers anew takes a hundred times as long as to ask.
    marks: Mutex<Option<Arc<BaseConsumer>>>,
}

type TopicResult = Result<String, (String, RDKafkaErrorCode)>;

fn one(results: Result<Vec<TopicResult>, KafkaError>) -> Result<(), LogError> {
    let fail =
        |(topic, code): (String, RDKafkaErrorCode)| LogError::new(of_code(code), format!("{topic}: {code}"));
    results.map_err(|e| foreign(&e))?.into_iter().try_for_each(|result| result.map(drop).map_err(fail))
}

impl KafkaAdmin {
    pub(super) fn new(options: Arc<KafkaOptions>, limits: Arc<Limits>) -> Result<Self, LogError> {
        let config = options.finish(options.base("admin"));
        let inner = config.create().map_err(|e| foreign(&e))?;
        Ok(Self { inner, options, limits, marks: Mutex::default() })
    }

    fn admin_options() -> AdminOptions {
        AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
    }

    /// Creates a topic with these settings of the broker's.
    pub(super) async fn create(
        &self,
        topic: &TopicName,
        partitions: u32,
        settings: &[(&str, String)],
    ) -> Result<(), LogError> {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        let replication = TopicReplication::Fixed(self.options.replication.unwrap_or(-1));
        let mut new = NewTopic::new(topic.as_str(), partitions, replication);
        for (name, value) in settings {
            new = new.set(name, value);
        }
        one(self.inner.create_topics([&new], &Self::admin_options()).await)?;
        // Until its partitions have leaders, appends and reads would fail.
        for _ in 0..100 {
            if self.topic(topic).await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(LogError::new(ErrorKind::Unavailable, format!("{topic} has no leaders yet")))
    }

    async fn info(&self, topic: &TopicName) -> Result<Option<u32>, LogError> {
        let (reader, name) = (self.reader(None)?, topic.clone());
        blocking(move || {
            let metadata = reader.fetch_metadata(Some(name.as_str()), PATIENCE).map_err(|e| foreign(&e))?;
            let Some(found) = metadata.topics().first() else { return Ok(None) };
            let has_leaders = found.partitions().iter().all(|p| p.leader() >= 0);
            let is_there = found.error().is_none() && !found.partitions().is_empty() && has_leaders;
            Ok(is_there.then(|| u32::try_from(found.partitions().len()).unwrap_or(u32::MAX)))
        })
        .await
    }

    /// A client that reads offsets and records for nobody, or for a group without joining it.
    pub(super) fn reader(&self, group: Option<&GroupId>) -> Result<BaseConsumer, LogError> {
        let mut config = self.options.reader("reader");
        if let Some(group) = group {
            config.set("group.id", group.as_str());
        }
        config.create().map_err(|e| foreign(&e))
    }

    fn marks(&self) -> Result<Arc<BaseConsumer>, LogError> {
        let mut marks = self.marks.lock();
        if let Some(reader) = &*marks {
            return Ok(Arc::clone(reader));
        }
        let reader = Arc::new(self.reader(None)?);
        *marks = Some(Arc::clone(&reader));
        Ok(reader)
    }
}

fn element(place: &Place, offset: ForeignOffset) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(place.topic.as_str(), partition(place), offset).map_err(|e| foreign(&e))?;
    Ok(list)
}

fn raw(offset: Offset) -> ForeignOffset {
    ForeignOffset::Offset(i64::try_from(offset.0).unwrap_or(i64::MAX))
}

/// Shows the records of a partition from an offset on, until its end or until it is told to stop.
pub(super) fn each_record(
    reader: &BaseConsumer,
    place: &Place,
    from: Offset,
    show: &mut dyn FnMut(Record) -> Result<ControlFlow<()>, LogError>,
) -> Result<(), LogError> {
    let fetched = reader.fetch_watermarks(place.topic.as_str(), partition(place), PATIENCE);
    let (low, high) = fetched.map_err(|e| foreign(&e))?;
    let from = Offset(from.0.max(u64::try_from(low).unwrap_or_default()));
    if from.0 >= u64::try_from(high).unwrap_or_default() {
        return Ok(());
    }
    reader.assign(&element(place, raw(from))?).map_err(|e| foreign(&e))?;
    loop {
        match reader.poll(PATIENCE) {
            Some(Ok(message)) => {
                if show(record(&message))?.is_break() {
                    return Ok(());
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(error)) => return Err(foreign(&error)),
            None => return Err(LogError::new(ErrorKind::Unavailable, "the broker does not answer")),
        }
    }
}

fn read_records(
    reader: &BaseConsumer,
    place: &Place,
    from: Offset,
    limit: usize,
) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    if limit == 0 {
        return Ok(records);
    }
    each_record(reader, place, from, &mut |record| {
        records.push(record);
        Ok(if records.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(records)
}

/// What a group has committed for a partition.
fn committed(reader: &BaseConsumer, place: &Place) -> Result<GroupOffset, LogError> {
    let wanted = element(place, ForeignOffset::Invalid)?;
    let found = reader.committed_offsets(wanted, PATIENCE).map_err(|e| foreign(&e))?;
    let elements = found.elements();
    let known = elements.first();
    let offset = match known.map(rdkafka::topic_partition_list::TopicPartitionListElem::offset) {
        Some(ForeignOffset::Offset(raw)) => u64::try_from(raw).ok().map(Offset),
        _ => None,
    };
    let metadata = known.map(|e| e.metadata().to_owned()).unwrap_or_default();
    Ok(GroupOffset { offset, metadata })
}

fn reset(reader: &BaseConsumer, place: &Place, to: Offset) -> Result<(), LogError> {
    let metadata = after_reset(&committed(reader, place)?.metadata);
    let offsets = element(place, raw(to))?;
    if let Some(mut element) = offsets.find_partition(place.topic.as_str(), partition(place)) {
        element.set_metadata(metadata);
    }
    match reader.commit(&offsets, CommitMode::Sync) {
        // What a broker says to somebody who commits for a group that has members of its own.
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::NonEmptyGroup,
        )) => Err(LogError::new(ErrorKind::GroupActive, "the group has members")),
        other => other.map_err(|e| foreign(&e)),
    }
}

impl Admin for KafkaAdmin {
    fn create_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        config: TopicConfig,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        let retention = config.retention.map_or(-1, |r| i64::try_from(r.as_millis()).unwrap_or(i64::MAX));
        let settings = [
            ("retention.ms", retention.to_string()),
            ("max.message.bytes", (config.max_record_bytes + HEADROOM).to_string()),
        ];
        async move { self.create(topic, config.partitions, &settings).await }.boxed()
    }

    fn delete_topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<(), LogError>> {
        async move { one(self.inner.delete_topics(&[topic.as_str()], &Self::admin_options()).await) }.boxed()
    }

    fn grow_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        partitions: u32,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            let grown = NewPartitions::new(topic.as_str(), partitions as usize);
            one(self.inner.create_partitions([&grown], &Self::admin_options()).await)?;
            for _ in 0..100 {
                if self.info(topic).await?.is_some_and(|count| count >= partitions) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        }
        .boxed()
    }

    fn topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<Option<TopicInfo>, LogError>> {
        async move {
            let Some(partitions) = self.info(topic).await? else { return Ok(None) };
            let wanted = [ResourceSpecifier::Topic(topic.as_str())];
            let described = self.inner.describe_configs(&wanted, &Self::admin_options()).await;
            let described = described.map_err(|e| foreign(&e))?.pop();
            let described = described.and_then(Result::ok);
            let limit = described.as_ref().and_then(|config| config.get("max.message.bytes")?.value.clone());
            let limit =
                limit.and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(TopicConfig::MAX_RECORD_BYTES);
            let max_record_bytes = limit.saturating_sub(HEADROOM);
            self.limits.learn(topic, max_record_bytes);
            Ok(Some(TopicInfo { partitions, max_record_bytes }))
        }
        .boxed()
    }

    fn topics(&self) -> BoxFuture<'_, Result<Vec<TopicName>, LogError>> {
        async move {
            let reader = self.reader(None)?;
            blocking(move || {
                let metadata = reader.fetch_metadata(None, PATIENCE).map_err(|e| foreign(&e))?;
                let mut names: Vec<TopicName> =
                    metadata.topics().iter().map(|t| TopicName::from(t.name())).collect();
                names.sort();
                Ok(names)
            })
            .await
        }
        .boxed()
    }

    fn watermarks<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Watermarks, LogError>> {
        async move {
            let (reader, place) = (self.marks()?, place.clone());
            blocking(move || {
                // Nobody else takes what it has to say of brokers that went.
                while reader.poll(Duration::ZERO).is_some() {}
                let fetched = reader.fetch_watermarks(place.topic.as_str(), partition(&place), PATIENCE);
                let (low, high) = fetched.map_err(|e| foreign(&e))?;
                let offset = |raw: i64| Offset(u64::try_from(raw).unwrap_or_default());
                Ok(Watermarks { start: offset(low), end: offset(high) })
            })
            .await
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        place: &'a Place,
        from: Offset,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        async move {
            let (reader, place) = (self.reader(None)?, place.clone());
            blocking(move || read_records(&reader, &place, from, limit)).await
        }
        .boxed()
    }

    fn committed<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
    ) -> BoxFuture<'a, Result<GroupOffset, LogError>> {
        async move {
            let (reader, place) = (self.reader(Some(group))?, place.clone());
            blocking(move || committed(&reader, &place)).await
        }
        .boxed()
    }

    fn reset<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
        to: Offset,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            let (reader, place) = (self.reader(Some(group))?, place.clone());
            blocking(move || reset(&reader, &place, to)).await
        }
        .boxed()
    }

    fn trim<'a>(&'a self, place: &'a Place, before: Offset) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            let wanted = element(place, raw(before))?;
            let done =
                self.inner.delete_records(&wanted, &Self::admin_options()).await.map_err(|e| foreign(&e))?;
            done.elements().iter().try_for_each(|e| e.error().map_err(|e| foreign(&e)))
        }
        .boxed()
    }
}
