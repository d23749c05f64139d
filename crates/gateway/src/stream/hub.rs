//! The hub: one per HTTP worker, on the worker's own thread. It knows the worker's streams, appends live frames to their
//! outboxes, and tells the device actors the rest.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix::Addr;
use denrei_actors::session::{Delivery, PushSink, Signal, StreamId};
use denrei_model::id::AccountId;
use tokio::sync::{Notify, mpsc, oneshot};

use super::device::{DeviceActor, StreamState, Word, now_ms};
use super::heartbeat;
use super::report::{StreamReport, StreamsReport};
use crate::state::Gateway;

/// Hand-overs that may wait for a worker. Beyond, shards mark sessions as behind and tell them later.
const INLET: usize = 4_096;

/// What reaches a hub from other threads.
pub(super) enum ToHub {
    Deliver(Vec<Delivery>),
    Signal(StreamId, Signal),
    /// The node is going: every stream is told to come back later.
    Leave {
        spread_ms: u64,
        seed: u64,
    },
    Report(Option<AccountId>, usize, oneshot::Sender<StreamsReport>),
}

/// The way to the streams of one worker, as shards know it.
struct WorkerSink(mpsc::Sender<ToHub>);

impl PushSink for WorkerSink {
    fn deliver(&self, deliveries: Vec<Delivery>) -> Result<(), Vec<Delivery>> {
        self.0.try_send(ToHub::Deliver(deliveries)).map_err(|refused| match refused.into_inner() {
            ToHub::Deliver(deliveries) => deliveries,
            _ => Vec::new(),
        })
    }

    fn signal(&self, stream: StreamId, signal: Signal) -> bool {
        self.0.try_send(ToHub::Signal(stream, signal)).is_ok()
    }
}

/// All hubs of a node.
#[derive(Clone, Default)]
pub struct Hubs {
    inlets: Arc<Mutex<Vec<mpsc::Sender<ToHub>>>>,
    streams: Arc<AtomicU64>,
}

impl Hubs {
    fn inlets(&self) -> Vec<mpsc::Sender<ToHub>> {
        self.inlets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells every stream to come back within this many milliseconds, spread at random, and ends it.
    pub async fn leave(&self, spread_ms: u64) {
        for (seed, inlet) in (1..).zip(self.inlets()) {
            // A hub that is gone has no streams.
            let _ = inlet.send(ToHub::Leave { spread_ms, seed }).await;
        }
    }

    /// The open streams of the node, or of one account: how many there are, and the first `most` of them by id.
    pub async fn report(&self, account: Option<AccountId>, most: usize) -> StreamsReport {
        let mut all = StreamsReport::default();
        for inlet in self.inlets() {
            let (to, answer) = oneshot::channel();
            if inlet.send(ToHub::Report(account, most, to)).await.is_ok() {
                all.add(answer.await.unwrap_or_default());
            }
        }
        all.cut(most);
        all
    }
}

struct Entry {
    state: Rc<RefCell<StreamState>>,
    /// Absent for a long-poll.
    actor: Option<Addr<DeviceActor>>,
    /// Woken by whatever comes: how a long-poll waits.
    news: Rc<Notify>,
}

/// The hub of one worker. Cheap to clone on its thread.
#[derive(Clone)]
pub struct Hub {
    entries: Rc<RefCell<HashMap<StreamId, Entry>>>,
    ids: Arc<AtomicU64>,
    sink: Arc<dyn PushSink>,
    leaving: Rc<Cell<Option<u64>>>,
}

impl Hub {
    /// Starts the hub of the calling worker. Must be called on its thread, within its arbiter.
    #[must_use]
    pub fn start(gateway: &Gateway, hubs: &Hubs) -> Self {
        let (inlet, arrivals) = mpsc::channel(INLET);
        hubs.inlets.lock().unwrap_or_else(PoisonError::into_inner).push(inlet.clone());
        let hub = Self {
            entries: Rc::default(),
            ids: Arc::clone(&hubs.streams),
            sink: Arc::new(WorkerSink(inlet)),
            leaving: Rc::default(),
        };
        actix_rt::spawn(hub.clone().run(arrivals, gateway.clone()));
        actix_rt::spawn(heartbeat::beat(hub.clone(), gateway.clone()));
        hub
    }

    /// A stream id that no other stream of the node has.
    pub(super) fn next_id(&self) -> StreamId {
        StreamId(self.ids.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn sink(&self) -> Arc<dyn PushSink> {
        Arc::clone(&self.sink)
    }

    /// Takes a stream up.
    pub(super) fn add(
        &self,
        stream: StreamId,
        state: Rc<RefCell<StreamState>>,
        actor: Option<Addr<DeviceActor>>,
    ) -> Rc<Notify> {
        let news = Rc::new(Notify::new());
        if let (Some(after_ms), Some(actor)) = (self.leaving.get(), &actor) {
            actor.do_send(Word::Leave { after_ms });
        }
        self.entries.borrow_mut().insert(stream, Entry { state, actor, news: Rc::clone(&news) });
        news
    }

    pub(super) fn remove(&self, stream: StreamId) {
        self.entries.borrow_mut().remove(&stream);
    }

    /// How many streams are open.
    pub(super) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    async fn run(self, mut arrivals: mpsc::Receiver<ToHub>, gateway: Gateway) {
        while let Some(arrival) = arrivals.recv().await {
            match arrival {
                ToHub::Deliver(deliveries) => self.deliver(deliveries, &gateway),
                ToHub::Signal(stream, signal) => self.signal(stream, signal),
                ToHub::Leave { spread_ms, seed } => self.leave(spread_ms, seed),
                ToHub::Report(account, most, to) => {
                    let _ = to.send(self.report(account, most));
                }
            }
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>, gateway: &Gateway) {
        let now = now_ms(gateway);
        let entries = self.entries.borrow();
        for delivery in deliveries {
            for entry in delivery.streams.iter().filter_map(|stream| entries.get(stream)) {
                entry.news.notify_one();
                if !append(&mut entry.state.borrow_mut(), &delivery, now) {
                    entry.tell(Word::Signal(Signal::Behind));
                }
            }
        }
    }

    pub(super) fn signal(&self, stream: StreamId, signal: Signal) {
        if let Some(entry) = self.entries.borrow().get(&stream) {
            entry.news.notify_one();
            entry.tell(Word::Signal(signal));
        }
    }

    fn leave(&self, spread_ms: u64, seed: u64) {
        self.leaving.set(Some(spread_ms));
        // Streams are spread evenly and in no order that devices could notice; nothing here must be unpredictable.
        let mut place = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for entry in self.entries.borrow().values() {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            entry.news.notify_one();
            entry.tell(Word::Leave { after_ms: (place >> 33) % spread_ms.max(1) });
        }
    }

    /// Whether the node is going.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.get().is_some()
    }

    /// Streams on which nothing was written since `before`, with their states.
    pub(super) fn quiet_since(&self, before: u64) -> Vec<(StreamId, Rc<RefCell<StreamState>>)> {
        let entries = self.entries.borrow();
        let quiet = entries.iter().filter(|(_, entry)| {
            let state = entry.state.borrow();
            entry.actor.is_some() && !state.reading && state.written <= before
        });
        quiet.map(|(stream, entry)| (*stream, Rc::clone(&entry.state))).collect()
    }

    fn report(&self, account: Option<AccountId>, most: usize) -> StreamsReport {
        let entries = self.entries.borrow();
        let asked_for = |entry: &Entry| account.is_none_or(|account| entry.state.borrow().account == account);
        let mut ids: Vec<StreamId> =
            entries.iter().filter(|(_, entry)| asked_for(entry)).map(|(stream, _)| *stream).collect();
        let matching = ids.len();
        // Ids are numbers: to put them in order costs little beside describing that many streams.
        ids.sort_unstable();
        ids.truncate(most);
        let streams =
            ids.iter().filter_map(|id| Some(StreamReport::of(*id, &entries.get(id)?.state.borrow())));
        StreamsReport { open: entries.len(), matching, streams: streams.collect() }
    }
}

impl Entry {
    fn tell(&self, word: Word) {
        if let Some(actor) = &self.actor {
            // Bounded by design: `Behind` is told once until the log has been read, the rest once per stream.
            actor.do_send(word);
        }
    }
}

/// Appends a live frame if it is what comes next. False if the log has to be read instead, and nobody has been told so.
fn append(state: &mut StreamState, delivery: &Delivery, now: u64) -> bool {
    if state.behind || state.reading {
        // Whoever reads the log looks again.
        state.behind = true;
        return true;
    }
    let Some(cursor) = state.cursor.as_mut() else { return true };
    if cursor.log_id == delivery.log_id && delivery.last <= cursor.revision {
        return true;
    }
    let mut outbox = state.outbox.borrow_mut();
    let next = cursor.log_id == delivery.log_id && delivery.first == cursor.revision.next();
    if !next || !outbox.has_room(delivery.frame.len()) {
        drop(outbox);
        state.behind = true;
        return false;
    }
    (cursor.revision, cursor.tag) = (delivery.last, delivery.last_tag);
    outbox.push(delivery.frame.clone());
    state.written = now;
    true
}
