//! Timers of a local log: rows beside the records, written by the same committer.

use std::sync::Arc;

use denrei_model::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Shared;
use super::job::Change;
use super::kv::{Pages, Space};
use super::rows::TimerKeys;
use crate::log::{
    Epoch, ErrorKind, GroupId, LogError, Place, TimerChange, TimerId, TimerQuery, TimerRow, Timers,
};

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
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for row in Pages::new(&*self.shared.engine.kv, Space::Timers, from, to).take(query.limit) {
            let (key, payload) = row?;
            bytes += payload.len();
            if bytes > query.bytes && !rows.is_empty() {
                break;
            }
            let (due, id): (Timestamp, TimerId) = keys.parse_due(&key)?;
            rows.push(TimerRow { id, due, payload });
        }
        Ok(rows)
    }
}

impl Timers for LocalTimers {
    fn open<'a>(&'a self, _place: &'a Place, _epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }

    fn close(&self, _place: &Place, _epoch: Epoch) {}

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        let (group, place) = (self.group.clone(), place.clone());
        self.shared.change(Change::Timers { group, place, epoch, changes })
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
