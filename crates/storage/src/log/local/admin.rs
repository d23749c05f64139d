//! Looking after a local log.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Shared;
use super::job::Change;
use crate::log::{
    Admin, ErrorKind, GroupId, GroupOffset, LogError, Offset, Place, Record, TopicConfig, TopicInfo,
    TopicName, Watermarks,
};

#[derive(Debug)]
pub(super) struct LocalAdmin {
    pub(super) shared: Arc<Shared>,
}

impl Admin for LocalAdmin {
    fn create_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        config: TopicConfig,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.shared.change(Change::Create(topic.clone(), config))
    }

    fn delete_topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<(), LogError>> {
        self.shared.change(Change::Delete(topic.clone()))
    }

    fn grow_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        partitions: u32,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.shared.change(Change::Grow(topic.clone(), partitions))
    }

    fn topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<Option<TopicInfo>, LogError>> {
        let info = self.shared.engine.view.lock().topics.get(topic).map(|topic| topic.info());
        async move { Ok(info) }.boxed()
    }

    fn topics(&self) -> BoxFuture<'_, Result<Vec<TopicName>, LogError>> {
        let names = self.shared.engine.view.lock().topics.keys().cloned().collect();
        async move { Ok(names) }.boxed()
    }

    fn watermarks<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Watermarks, LogError>> {
        let view = self.shared.engine.view.lock();
        let found = view.span(place);
        let missing =
            if view.topics.contains_key(&place.topic) { ErrorKind::NoPartition } else { ErrorKind::NoTopic };
        let found = found.ok_or_else(|| LogError::new(missing, format!("{place:?}")));
        async move { found }.boxed()
    }

    fn read<'a>(
        &'a self,
        place: &'a Place,
        from: Offset,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        let (engine, place) = (Arc::clone(&self.shared.engine), place.clone());
        let read = tokio::task::spawn_blocking(move || engine.read(&place, from, limit, usize::MAX));
        async move { read.await.unwrap_or_else(|e| Err(LogError::new(ErrorKind::Fatal, e.to_string()))) }
            .boxed()
    }

    fn committed<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
    ) -> BoxFuture<'a, Result<GroupOffset, LogError>> {
        let view = self.shared.engine.view.lock();
        let known = view.committed(group, place);
        let found = GroupOffset {
            offset: known.map(|c| c.offset),
            metadata: known.map(|c| c.metadata.clone()).unwrap_or_default(),
        };
        async move { Ok(found) }.boxed()
    }

    fn reset<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
        to: Offset,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.shared.change(Change::Reset(group.clone(), place.clone(), to))
    }

    fn trim<'a>(&'a self, place: &'a Place, before: Offset) -> BoxFuture<'a, Result<(), LogError>> {
        self.shared.change(Change::Trim(place.clone(), before))
    }
}
