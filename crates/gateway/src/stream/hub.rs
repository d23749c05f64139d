//! The hub: one per HTTP worker, on the worker's own thread. It knows the worker's streams, appends live frames to their
//! outboxes, and tells the device actors the rest.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix::Addr;
use denrei_actors::session::{Delivery, PushSink, Signal, StreamId};
use tokio::sync::{Notify, mpsc, oneshot};

use super::device::{DeviceActor, StreamState, Word, now_ms};
use super::heartbeat;
use super::live::{Appended, Unwoken, append};
use super::merge::merged;
use super::report::{StreamReport, StreamsReport, Wanted};
use crate::state::Gateway;

/// Hand-overs that may wait for a worker. Beyond, shards mark sessions as behind and tell them later.
const INLET: usize = 4_096;
/// Hand-overs that are taken at once.
const AT_ONCE: usize = 256;

/// What reaches a hub from other threads.
pub(super) enum ToHub {
    Deliver(Vec<Delivery>),
    Signal(StreamId, Signal),
    /// The node is going: every stream is told to come back later.
    Leave {
        spread_ms: u64,
        seed: u64,
    },
    Report(Wanted, oneshot::Sender<StreamsReport>),
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

    /// The open streams: how many there are, and the first of those wanted by id.
    pub async fn report(&self, wanted: Wanted) -> StreamsReport {
        let mut all = StreamsReport::default();
        for inlet in self.inlets() {
            let (to, answer) = oneshot::channel();
            if inlet.send(ToHub::Report(wanted, to)).await.is_ok() {
                all.add(answer.await.unwrap_or_default());
            }
        }
        all.cut(wanted.most);
        all
    }
}

struct Entry {
    state: Rc<RefCell<StreamState>>,
    listener: Listener,
}

/// Who hears of what comes.
enum Listener {
    /// A stream, by its actor.
    Stream(Addr<DeviceActor>),
    /// A long-poll: woken by whatever comes.
    Poll(Rc<Notify>),
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
    pub(super) fn add(&self, stream: StreamId, state: Rc<RefCell<StreamState>>, actor: Addr<DeviceActor>) {
        if let Some(after_ms) = self.leaving.get() {
            actor.do_send(Word::Leave { after_ms });
        }
        self.insert(stream, Entry { state, listener: Listener::Stream(actor) });
    }

    /// Takes a long-poll up; the answer is woken by whatever comes.
    pub(super) fn add_poll(&self, stream: StreamId, state: Rc<RefCell<StreamState>>) -> Rc<Notify> {
        let news = Rc::new(Notify::new());
        self.insert(stream, Entry { state, listener: Listener::Poll(Rc::clone(&news)) });
        news
    }

    fn insert(&self, stream: StreamId, entry: Entry) {
        self.entries.borrow_mut().insert(stream, entry);
    }

    pub(super) fn remove(&self, stream: StreamId) {
        self.entries.borrow_mut().remove(&stream);
    }

    /// How many streams are open.
    pub(super) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    async fn run(self, mut arrivals: mpsc::Receiver<ToHub>, gateway: Gateway) {
        let (mut came, mut unwoken) = (Vec::new(), Unwoken::default());
        loop {
            if unwoken.is_empty() {
                if arrivals.recv_many(&mut came, AT_ONCE).await == 0 {
                    return;
                }
            } else {
                tokio::task::yield_now().await;
                let ready = std::iter::from_fn(|| arrivals.try_recv().ok());
                came.extend(ready.take(AT_ONCE));
            }
            self.take(&mut came, &gateway, &mut unwoken);
            unwoken.turn();
        }
    }

    fn take(&self, came: &mut Vec<ToHub>, gateway: &Gateway, unwoken: &mut Unwoken) {
        let mut deliveries = Vec::new();
        for arrival in came.drain(..) {
            if let ToHub::Deliver(more) = arrival {
                deliveries.extend(more);
                continue;
            }
            // What came before a signal is appended before it.
            self.deliver(std::mem::take(&mut deliveries), gateway, unwoken);
            match arrival {
                ToHub::Deliver(_) => {}
                ToHub::Signal(stream, signal) => self.signal(stream, signal),
                ToHub::Leave { spread_ms, seed } => self.leave(spread_ms, seed),
                ToHub::Report(wanted, to) => {
                    let _ = to.send(self.report(wanted, now_ms(gateway)));
                }
            }
        }
        self.deliver(deliveries, gateway, unwoken);
    }

    fn deliver(&self, deliveries: Vec<Delivery>, gateway: &Gateway, unwoken: &mut Unwoken) {
        if deliveries.is_empty() {
            return;
        }
        let now = now_ms(gateway);
        let entries = self.entries.borrow();
        for delivery in merged(deliveries) {
            for entry in delivery.streams.iter().filter_map(|stream| entries.get(stream)) {
                if let Listener::Poll(news) = &entry.listener {
                    news.notify_one();
                    continue;
                }
                match append(&mut entry.state.borrow_mut(), &delivery, now) {
                    Appended::Unwoken(outbox) => unwoken.add(outbox),
                    Appended::Nothing => {}
                    Appended::Behind => entry.tell(Word::Signal(Signal::Behind)),
                }
            }
        }
    }

    pub(super) fn signal(&self, stream: StreamId, signal: Signal) {
        if let Some(entry) = self.entries.borrow().get(&stream) {
            entry.tell(Word::Signal(signal));
        }
    }

    fn leave(&self, spread_ms: u64, seed: u64) {
        self.leaving.set(Some(spread_ms));
        // Streams are spread evenly and in no order that devices could notice; nothing here must be unpredictable.
        let mut place = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for entry in self.entries.borrow().values() {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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
            matches!(entry.listener, Listener::Stream(_)) && !state.reading && state.written <= before
        });
        quiet.map(|(stream, entry)| (*stream, Rc::clone(&entry.state))).collect()
    }

    fn report(&self, wanted: Wanted, now: u64) -> StreamsReport {
        let entries = self.entries.borrow();
        let is_wanted =
            |(stream, entry): &(&StreamId, &Entry)| wanted.is(**stream, entry.state.borrow().account);
        let mut ids: Vec<StreamId> = entries.iter().filter(is_wanted).map(|(stream, _)| *stream).collect();
        let matching = ids.len();
        // Ids are numbers: to put them in order costs little beside describing that many streams.
        ids.sort_unstable();
        ids.truncate(wanted.most);
        let streams =
            ids.iter().filter_map(|id| Some(StreamReport::of(*id, &entries.get(id)?.state.borrow(), now)));
        StreamsReport { open: entries.len(), matching, streams: streams.collect() }
    }
}

impl Entry {
    fn tell(&self, word: Word) {
        match &self.listener {
            // Bounded by design: `Behind` is told once until the log has been read, the rest once per stream.
            Listener::Stream(actor) => actor.do_send(word),
            Listener::Poll(news) => news.notify_one(),
        }
    }
}
