//! Does what the group wants: starts partitions, has them end before they are given away, commits what they have completed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use denrei_storage::log::{Assigned, Commit, Consumer, ErrorKind, Event, LogError, Place};
use tokio::sync::{mpsc, watch};

use super::state::Order;
use super::{Shared, State};
use crate::metrics::{COMMITTED_OFFSET, PENDING_RECORDS};
use crate::partition::{Assignment, CommitNote, Left, Partition, PartitionHandle, Tracker};

/// After trouble with the log, this long nothing is asked of it.
const PAUSE_AFTER_TROUBLE: Duration = Duration::from_millis(200);

/// A partition that is ours.
struct Owned {
    handle: PartitionHandle,
    /// The token that is committed.
    token: u64,
    committed: metrics::Gauge,
    pending: metrics::Gauge,
}

pub(super) struct Reader {
    shared: Arc<Shared>,
    /// Before the consumer: when all is dropped, the partitions are broken off before others may own them.
    owned: HashMap<Place, Owned>,
    /// How far partitions had come that were ours: worth knowing if they come back before anybody else has committed, as after an
    /// outage of the broker, when nothing could be committed any more.
    left: HashMap<Place, Left>,
    consumer: Box<dyn Consumer>,
    orders: mpsc::UnboundedReceiver<Order>,
    states: watch::Sender<State>,
}

enum Next {
    Event(Result<Event, LogError>),
    Commit,
    Order(Option<Order>),
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        consumer: Box<dyn Consumer>,
        orders: mpsc::UnboundedReceiver<Order>,
        states: watch::Sender<State>,
    ) -> Self {
        Self { shared, consumer, orders, states, owned: HashMap::new(), left: HashMap::new() }
    }

    pub(super) async fn run(mut self) {
        let mut commit_at = tokio::time::Instant::now() + self.commit_interval();
        loop {
            let next = tokio::select! {
                event = self.consumer.poll() => Next::Event(event),
                () = tokio::time::sleep_until(commit_at) => Next::Commit,
                order = self.orders.recv() => Next::Order(order),
            };
            match next {
                Next::Event(Ok(event)) => self.event(event).await,
                Next::Event(Err(error)) if error.kind() == ErrorKind::Closed => break,
                Next::Event(Err(error)) => {
                    tracing::error!(%error, group = %self.shared.group, "the log cannot be read");
                    tokio::time::sleep(PAUSE_AFTER_TROUBLE * 5).await;
                }
                Next::Commit => {
                    self.commit(None).await;
                    commit_at = tokio::time::Instant::now() + self.commit_interval();
                }
                Next::Order(Some(Order::Shutdown) | None) => break,
            }
        }
        self.shutdown().await;
    }

    fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.shared.settings().commit_interval_ms)
    }

    async fn event(&mut self, event: Event) {
        match event {
            Event::Assigned(all) => self.assigned(all).await,
            Event::Revoking(places) => {
                self.states.send_replace(State::Rebalancing);
                let patience = Duration::from_millis(self.shared.settings().rebalance_timeout_ms);
                self.let_go(&places, patience).await;
                self.states.send_replace(State::Running);
            }
            Event::Lost(places) => {
                tracing::warn!(?places, "partitions were lost");
                self.part_with(&places);
            }
            Event::Trouble(error) => {
                tracing::warn!(%error, group = %self.shared.group, "trouble with the log");
                tokio::time::sleep(PAUSE_AFTER_TROUBLE).await;
            }
        }
    }

    /// Starts the partitions, and commits where they start: from then on a reset of offsets cannot be mistaken for progress.
    async fn assigned(&mut self, all: Vec<Assigned>) {
        let mut places = Vec::new();
        for Assigned { place, epoch, position, metadata, .. } in all {
            let Some(records) = self.consumer.records(&place) else { continue };
            let note = CommitNote::decode(&metadata, position);
            let left = self.left.remove(&place);
            let is_reset = CommitNote::is_reset(&metadata);
            let left = left.filter(|left| !is_reset && left.goes_on_from(note.token, position));
            let token = note.token + 1;
            let tracker = match left {
                Some(left) => left.tracker(),
                None => Tracker::new(position, note.done),
            };
            let assignment = Assignment { place: place.clone(), epoch, token, tracker, records };
            let Some(handle) = Partition::start(&self.shared, assignment) else { continue };
            let committed = self.shared.metrics.of_place(COMMITTED_OFFSET, &place);
            let pending = self.shared.metrics.of_place(PENDING_RECORDS, &place);
            self.owned.insert(place.clone(), Owned { handle, token: note.token, committed, pending });
            places.push(place);
        }
        self.commit(Some(&places)).await;
        self.states.send_replace(State::Running);
    }

    /// Commits what has changed; of these partitions only, if some are named.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating-point")]
    async fn commit(&mut self, only: Option<&[Place]>) {
        let mut commits = Vec::new();
        for (place, owned) in &self.owned {
            if only.is_some_and(|only| !only.contains(place)) {
                continue;
            }
            let mut tracker = owned.handle.tracker.lock();
            owned.pending.set(tracker.pending() as f64);
            if !tracker.take_changed() {
                continue;
            }
            let offset = tracker.watermark();
            let metadata = CommitNote { token: owned.handle.token, done: tracker.above() }.encode(offset);
            owned.committed.set(offset.0 as f64);
            commits.push(Commit { place: place.clone(), epoch: owned.handle.epoch, offset, metadata });
        }
        self.shared.metrics.pending_bytes.set(self.shared.budget.bytes.used() as f64);
        if commits.is_empty() {
            return;
        }
        let places: Vec<Place> = commits.iter().map(|commit| commit.place.clone()).collect();
        for (place, result) in places.into_iter().zip(self.consumer.commit(commits).await) {
            let Some(owned) = self.owned.get_mut(&place) else { continue };
            if let Err(error) = result {
                self.shared.metrics.commit_failures.increment(1);
                tracing::warn!(%error, ?place, "an offset could not be committed");
                owned.handle.tracker.lock().mark_changed();
            } else {
                owned.token = owned.handle.token;
            }
        }
    }

    /// Has these partitions end what is in flight, commits, and forgets them.
    async fn let_go(&mut self, places: &[Place], patience: Duration) {
        let drains = places.iter().filter_map(|place| Some(self.owned.get(place)?.handle.drain()));
        let drains: Vec<_> = drains.collect();
        if tokio::time::timeout(patience, futures_util::future::join_all(drains)).await.is_err() {
            tracing::warn!(?places, "tasks in flight did not end in time; their next owner runs them again");
        }
        self.commit(Some(places)).await;
        self.part_with(places);
    }

    fn part_with(&mut self, places: &[Place]) {
        for place in places {
            if let Some(owned) = self.owned.remove(place) {
                self.left.insert(place.clone(), owned.handle.part(owned.token));
            }
        }
    }

    async fn shutdown(mut self) {
        self.states.send_replace(State::ShuttingDown);
        let places: Vec<Place> = self.owned.keys().cloned().collect();
        let patience = Duration::from_millis(self.shared.settings().shutdown_timeout_ms);
        self.let_go(&places, patience).await;
        if let Err(error) = self.consumer.close().await {
            tracing::warn!(%error, "while leaving the group");
        }
        self.states.send_replace(State::Terminated);
    }
}
