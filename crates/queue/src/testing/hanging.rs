//! A log that can be made to hang, as a broker whose process is stopped does: it answers nobody, and goes on later.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use denrei_storage::log::{
    Admin, Commit, Consumer, ConsumerOptions, Epoch, Event, GroupId, GroupOffset, Log, LogError, NewRecord,
    Offset, Place, Producer, Record, Records, Room, Sent, TimerChange, TimerQuery, TimerRow, Timers,
    TopicConfig, TopicInfo, TopicName, Watermarks,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// A log that can be made to hang. Whatever is asked of it meanwhile waits until it goes on, and is done then; unless whoever asked
/// has given up. What was asked before is answered still.
pub struct HangingLog {
    log: Arc<dyn Log>,
    gate: Gate,
}

impl fmt::Debug for HangingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HangingLog").field("hangs", &*self.gate.0.borrow()).finish_non_exhaustive()
    }
}

impl HangingLog {
    /// This log, which goes on until it is told to hang.
    #[must_use]
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log, gate: Gate(watch::Sender::new(false)) }
    }

    /// It hangs from now on.
    pub fn hang(&self) {
        self.gate.0.send_replace(true);
    }

    /// It goes on.
    pub fn go_on(&self) {
        self.gate.0.send_replace(false);
    }

    fn behind<T: ?Sized>(&self, inner: Arc<T>) -> Arc<Behind<T>> {
        Arc::new(Behind { inner, gate: self.gate.clone() })
    }
}

/// Shut while the log hangs.
#[derive(Debug, Clone)]
struct Gate(watch::Sender<bool>);

impl Gate {
    /// What comes of this once the log does not hang.
    async fn then<T>(&self, asked: impl Future<Output = T>) -> T {
        drop(self.0.subscribe().wait_for(|hangs| !hangs).await);
        asked.await
    }
}

/// A side of the log, behind its gate.
struct Behind<T: ?Sized> {
    gate: Gate,
    inner: Arc<T>,
}

impl Log for HangingLog {
    fn producer(&self) -> Arc<dyn Producer> {
        self.behind(self.log.producer())
    }

    fn join(&self, options: ConsumerOptions) -> BoxFuture<'_, Result<Box<dyn Consumer>, LogError>> {
        async move {
            let consumer = self.gate.then(self.log.join(options)).await?;
            let member: Box<dyn Consumer> = Box::new(Member { gate: self.gate.clone(), consumer });
            Ok(member)
        }
        .boxed()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.behind(self.log.admin())
    }

    fn timers(&self, group: &GroupId) -> Arc<dyn Timers> {
        self.behind(self.log.timers(group))
    }
}

impl Producer for Behind<dyn Producer> {
    fn send(&self, record: NewRecord) -> Sent {
        if !*self.gate.0.borrow() {
            // At once: in the order of the calls.
            return self.inner.send(record);
        }
        let (gate, inner) = (self.gate.clone(), Arc::clone(&self.inner));
        async move { gate.then(async { inner.send(record).await }).await }.boxed()
    }

    fn flush(&self, timeout: Duration) -> BoxFuture<'_, Result<(), LogError>> {
        self.gate.then(self.inner.flush(timeout)).boxed()
    }
}

struct Member {
    gate: Gate,
    consumer: Box<dyn Consumer>,
}

impl Consumer for Member {
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>> {
        self.gate.then(self.consumer.poll()).boxed()
    }

    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>> {
        self.gate.then(self.consumer.commit(commits)).boxed()
    }

    fn records(&mut self, place: &Place) -> Option<Box<dyn Records>> {
        let records = self.consumer.records(place)?;
        Some(Box::new(Reading { gate: self.gate.clone(), records }))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), LogError>> {
        async move { self.gate.then(self.consumer.close()).await }.boxed()
    }
}

struct Reading {
    gate: Gate,
    records: Box<dyn Records>,
}

impl Records for Reading {
    fn next<'a>(&'a mut self, most: usize, room: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        self.gate.then(self.records.next(most, room)).boxed()
    }
}

impl Admin for Behind<dyn Admin> {
    fn create_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        config: TopicConfig,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.create_topic(topic, config)).boxed()
    }

    fn delete_topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.delete_topic(topic)).boxed()
    }

    fn grow_topic<'a>(
        &'a self,
        topic: &'a TopicName,
        partitions: u32,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.grow_topic(topic, partitions)).boxed()
    }

    fn topic<'a>(&'a self, topic: &'a TopicName) -> BoxFuture<'a, Result<Option<TopicInfo>, LogError>> {
        self.gate.then(self.inner.topic(topic)).boxed()
    }

    fn topics(&self) -> BoxFuture<'_, Result<Vec<TopicName>, LogError>> {
        self.gate.then(self.inner.topics()).boxed()
    }

    fn watermarks<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Watermarks, LogError>> {
        self.gate.then(self.inner.watermarks(place)).boxed()
    }

    fn read<'a>(
        &'a self,
        place: &'a Place,
        from: Offset,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        self.gate.then(self.inner.read(place, from, limit)).boxed()
    }

    fn committed<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
    ) -> BoxFuture<'a, Result<GroupOffset, LogError>> {
        self.gate.then(self.inner.committed(group, place)).boxed()
    }

    fn reset<'a>(
        &'a self,
        group: &'a GroupId,
        place: &'a Place,
        to: Offset,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.reset(group, place, to)).boxed()
    }

    fn trim<'a>(&'a self, place: &'a Place, before: Offset) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.trim(place, before)).boxed()
    }
}

impl Timers for Behind<dyn Timers> {
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(self.inner.open(place, epoch)).boxed()
    }

    fn close(&self, place: &Place, epoch: Epoch) {
        self.inner.close(place, epoch);
    }

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        self.gate.then(async move { self.inner.change(place, epoch, changes).await }).boxed()
    }

    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
        self.gate.then(async move { self.inner.list(place, query).await }).boxed()
    }
}
