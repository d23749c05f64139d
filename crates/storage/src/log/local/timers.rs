//! Timers of a local log: rows beside the records, written by the same committer.

use std::sync::Arc;

use denrei_model::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Shared;
use super::job::Change;
use super::kv::Space;
use super::rows::TimerKeys;
use crate::log::{Epoch, ErrorKind, GroupId, LogError, Place, TimerId, TimerQuery, TimerRow, Timers};

#[derive(Debug)]
pub(super) struct LocalTimers {
    pub(super) shared: Arc<Shared>,
    pub(super) group: GroupId,
}

impl LocalTimers {
    fn scan(&self, place: &Place, query: TimerQuery) -> Result<Vec<TimerRow>, LogError> {
        let topic = self.shared.engine.view.lock().topics.get(&place.topic).map(|topic| topic.id);
        let topic = topic.ok_or_else(|| LogError::new(ErrorKind::NoTopic, place.topic.as_str()))?;
        let keys = TimerKeys::new(&self.group, topic, place.partition.0);
        let (mut from, to) = keys.due_range(query.until);
        if let Some((due, id)) = query.after {
            from = keys.due(due, id);
            from.push(0);
        }
        if from >= to {
            return Ok(Vec::new());
        }
        let rows = self.shared.engine.kv.scan(Space::Timers, &from, &to, query.limit)?;
        let row = |(key, payload): (bytes::Bytes, bytes::Bytes)| {
            let (due, id): (Timestamp, TimerId) = keys.parse_due(&key)?;
            Ok(TimerRow { id, due, payload })
        };
        rows.into_iter().map(row).collect()
    }
}

impl Timers for LocalTimers {
    fn open<'a>(&'a self, _place: &'a Place, _epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }

    fn close(&self, _place: &Place) {}

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        put: Vec<TimerRow>,
        delete: Vec<TimerId>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        let (group, place) = (self.group.clone(), place.clone());
        self.shared.change(Change::Timers { group, place, epoch, put, delete })
    }

    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
        let rows = self.scan(place, query);
        async move { rows }.boxed()
    }
}
