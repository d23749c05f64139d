//! The task of the runtime that is a partition: takes what comes, one thing after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use denrei_storage::log::{Epoch, LogError, Place, Record, Records};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::burial::Letter;
use super::flight::InFlight;
use super::held::Held;
use super::holding::Unpark;
use super::intake::Intake;
use super::limiter::{Limiter, Permit};
use super::outbox::{Change, Outbox, Written};
use super::queues::KeyQueues;
use super::quota::Quota;
use super::timers::TimerBook;
use super::tracker::Tracker;
use super::twins::Twins;
use super::work::{Account, Closing, Load, Origin, Reserve, Work};
use crate::pipeline::{Ended, Run};
use crate::processor::{Deferral, Home};
use crate::settings::Settings;
use crate::subscription::Shared;
use crate::wire::Format;

/// What the reader wants of a partition: start nothing more, and say when all in flight has ended.
pub(crate) type Drain = oneshot::Sender<()>;

/// A partition that was assigned.
pub(crate) struct Assignment {
    pub(crate) place: Place,
    pub(crate) epoch: Epoch,
    /// Higher than that of any earlier owner.
    pub(crate) token: u64,
    pub(crate) tracker: Tracker,
    pub(crate) records: Box<dyn Records>,
}

/// The reader's side of a partition.
#[derive(Debug)]
pub(crate) struct PartitionHandle {
    pub(crate) epoch: Epoch,
    pub(crate) token: u64,
    pub(crate) tracker: Arc<Mutex<Tracker>>,
    drains: mpsc::UnboundedSender<Drain>,
    pub(super) task: JoinHandle<()>,
}

impl PartitionHandle {
    /// Has it end what is in flight. Whoever waits hears of it at once if the partition has ended already.
    pub(crate) fn drain(&self) -> oneshot::Receiver<()> {
        let (done, drained) = oneshot::channel();
        drop(self.drains.send(done));
        drained
    }
}

impl Drop for PartitionHandle {
    /// Whatever still runs is broken off: from now on its results would only count.
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Partition {
    pub(super) shared: Arc<Shared>,
    /// As they were when something last happened.
    pub(super) settings: Arc<Settings>,
    pub(super) place: Place,
    pub(super) epoch: Epoch,
    pub(super) format: Format,
    pub(super) run: Box<Run>,
    pub(super) home: Arc<Home>,
    pub(super) account: Arc<Account>,
    pub(super) tracker: Arc<Mutex<Tracker>>,
    intake: Intake,
    pub(super) queues: KeyQueues,
    pub(super) limiter: Limiter,
    pub(super) quota: Quota,
    pub(super) book: TimerBook,
    pub(super) held: Held,
    pub(super) unparks: VecDeque<Unpark>,
    pub(super) twins: Twins,
    pub(super) outbox: Outbox,
    pub(super) burials: FuturesUnordered<BoxFuture<'static, Option<Work>>>,
    pub(super) running: FuturesUnordered<BoxFuture<'static, (u64, Ended)>>,
    pub(super) in_flight: HashMap<u64, InFlight>,
    pub(super) next_slot: u64,
    /// Tasks that hold a permit.
    pub(super) active: usize,
    /// Tries that ended well and are not yet counted: the count is shared by all partitions, and told now and then.
    pub(super) processed: u64,
    throttled: Option<Duration>,
    /// No deferred task is overdue before this time, by the steady clock.
    pub(super) first_deadline: Option<Duration>,
    pub(super) drain: Option<Drain>,
    drains: mpsc::UnboundedReceiver<Drain>,
    pub(super) deferrals: mpsc::UnboundedReceiver<Deferral>,
    /// After all that holds a charge.
    _closing: Closing,
}

/// What happened.
enum Happened {
    Drain(Option<Drain>),
    Records(Result<Vec<Record>, LogError>),
    Ran(u64, Ended),
    Deferral(Deferral),
    Written(Result<Vec<Written>, LogError>),
    Buried(Option<Work>),
    Time,
}

impl Partition {
    /// Starts the task of a partition that was assigned.
    pub(crate) fn start(shared: &Arc<Shared>, assignment: Assignment) -> Option<PartitionHandle> {
        let Assignment { place, epoch, token, tracker, records } = assignment;
        let pipeline = shared.pipelines.get(&place.topic)?;
        let (drains, orders) = mpsc::unbounded_channel();
        let (sender, deferrals) = mpsc::unbounded_channel();
        let tracker = Arc::new(Mutex::new(tracker));
        let account = Arc::new(Account::new(&shared.budget));
        let settings = shared.settings();
        let mut partition = Self {
            shared: Arc::clone(shared),
            settings: Arc::clone(&settings),
            epoch,
            format: pipeline.format,
            run: pipeline.start(),
            home: Arc::new(Home { place: place.clone(), token, deferrals: sender }),
            account: Arc::clone(&account),
            tracker: Arc::clone(&tracker),
            intake: Intake::new(records, Reserve::new(&shared.budget)),
            queues: KeyQueues::default(),
            limiter: Limiter::new(settings.processing_rate, shared.clock.monotonic()),
            quota: Quota::default(),
            held: Held::default(),
            unparks: VecDeque::new(),
            twins: Twins::default(),
            book: TimerBook::new(Arc::clone(&shared.timers), place.clone(), epoch),
            outbox: Outbox::new(Arc::clone(&shared.timers), place.clone(), epoch),
            place,
            burials: FuturesUnordered::new(),
            running: FuturesUnordered::new(),
            in_flight: HashMap::new(),
            next_slot: 0,
            active: 0,
            processed: 0,
            throttled: None,
            first_deadline: None,
            drain: None,
            drains: orders,
            deferrals,
            _closing: Closing(Arc::clone(&account)),
        };
        partition.delete_ended();
        let task = tokio::spawn(partition.run());
        Some(PartitionHandle { epoch, token, tracker, drains, task })
    }

    /// Deletes the timers that ended under an earlier assignment, and fires none of them again.
    fn delete_ended(&mut self) {
        for timer in self.tracker.lock().ended() {
            self.book.fire(*timer);
            self.outbox.push(Change::End(*timer));
        }
    }

    async fn run(mut self) {
        self.open_timers().await;
        loop {
            self.fire_timers().await;
            self.check_deadlines();
            self.dispatch();
            self.shared.metrics.processed.increment(std::mem::take(&mut self.processed));
            if self.drain.is_some() && self.is_idle() {
                break;
            }
            self.account.settle();
            let happened = self.next().await;
            let before = std::mem::replace(&mut self.settings, self.shared.settings());
            if before.key_order != self.settings.key_order {
                self.order_changed().await;
            }
            let were_read = matches!(happened, Happened::Records(_));
            if !self.take(happened) {
                break;
            }
            if were_read {
                // A partition that never runs dry gives the others their turn.
                tokio::task::yield_now().await;
            }
        }
        if self.drain.take().is_some_and(|done| done.send(()).is_err()) {
            tracing::debug!(place = ?self.place, "nobody waits for the partition any more");
        }
    }

    /// Without its timers a partition runs nothing: what is parked must not be forgotten.
    async fn open_timers(&mut self) {
        let mut wait = Duration::from_millis(50);
        while let Err(error) = self.try_open().await {
            tracing::warn!(%error, place = ?self.place, "timers cannot be opened; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(10));
        }
    }

    async fn try_open(&mut self) -> Result<(), LogError> {
        self.shared.timers.open(&self.place, self.epoch).await?;
        self.recall().await
    }

    async fn fire_timers(&mut self) {
        self.fetch_unparked().await;
        let room = self.settings.max_fired_timers;
        let (now, steady) = (self.shared.clock.now(), self.shared.clock.monotonic());
        if self.drain.is_some() || !self.book.wait(now, steady, room).is_zero() {
            return;
        }
        #[cfg(feature = "testing")]
        let now = if self.shared.has_fault(crate::testing::Fault::FireEarly) {
            now.plus(Duration::from_secs(10))
        } else {
            now
        };
        match self.book.due(now, steady, room).await {
            Ok(rows) => rows.into_iter().for_each(|row| self.fired(row)),
            Err(error) => tracing::warn!(%error, place = ?self.place, "timers cannot be read"),
        }
        self.look_for_fronts().await;
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.outbox.is_empty() && self.burials.is_empty()
    }

    /// How long nothing happens by itself.
    fn wait(&self) -> Duration {
        let (now, steady) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let timers = self.book.wait(now, steady, self.settings.max_fired_timers);
        let timers = if self.drain.is_some() { Duration::from_secs(1) } else { timers };
        let overdue = self.first_deadline.map(|deadline| deadline.saturating_sub(steady));
        let until = [self.throttled, overdue, self.intake.rest(steady)]
            .into_iter()
            .flatten()
            .fold(timers, Duration::min);
        // The clock has milliseconds; waking in the middle of one would only be waking twice.
        until.max(Duration::from_millis(1))
    }

    /// What happens next; what was begun comes before what is new.
    async fn next(&mut self) -> Happened {
        let wait = self.wait();
        let shared = Arc::clone(&self.shared);
        // Asked for before looking whether there is room: what becomes free in between is not missed.
        let room = shared.budget.room.notified();
        let held = self.room_to_hold();
        self.intake.plan(&self.account, &self.settings, shared.clock.monotonic(), held);
        let most_bytes = self.settings.max_pending_bytes;
        let (wants, waits) = (self.intake.wants() && self.drain.is_none(), self.intake.waits_for_room());
        tokio::select! {
            biased;
            drain = self.drains.recv() => Happened::Drain(drain),
            Some(deferral) = self.deferrals.recv() => Happened::Deferral(deferral),
            written = self.outbox.written() => Happened::Written(written),
            Some(buried) = self.burials.next(), if !self.burials.is_empty() => Happened::Buried(buried),
            Some((slot, ended)) = self.running.next(), if !self.running.is_empty() => Happened::Ran(slot, ended),
            records = self.intake.next(most_bytes), if wants => Happened::Records(records),
            () = room, if waits => Happened::Time,
            () = tokio::time::sleep(wait) => Happened::Time,
        }
    }

    /// False: the partition is no longer ours.
    fn take(&mut self, happened: Happened) -> bool {
        match happened {
            Happened::Drain(None) => return false,
            Happened::Drain(Some(done)) => {
                self.queues.clear();
                self.drain = Some(done);
            }
            Happened::Records(Ok(records)) => {
                let load = Load::new(&self.account, records);
                self.intake.settle();
                self.arrive(load);
            }
            Happened::Records(Err(error)) => {
                if self.intake.failed(&error, self.shared.clock.monotonic()) {
                    tracing::warn!(%error, place = ?self.place, "records cannot be read");
                }
            }
            Happened::Ran(slot, ended) => {
                self.returned(slot, ended);
                // Tasks that began together end together: the round that each wakes is made once for all.
                while let Some(Some((slot, ended))) = self.running.next().now_or_never() {
                    self.returned(slot, ended);
                }
            }
            Happened::Deferral(deferral) => self.deferral(deferral),
            Happened::Written(Ok(written)) => written.into_iter().for_each(|one| self.written(one)),
            Happened::Written(Err(error)) => {
                tracing::warn!(%error, place = ?self.place, "the partition belongs to somebody else");
                return false;
            }
            Happened::Buried(work) => self.buried(work),
            Happened::Time => {}
        }
        true
    }

    /// Starts what may start.
    pub(super) fn dispatch(&mut self) {
        self.throttled = None;
        while self.drain.is_none() && self.queues.len() > 0 && self.has_permit() {
            let Some(work) = self.queues.pop() else { return };
            let Some(work) = self.at_its_turn(work) else { continue };
            if !self.may_start() {
                return self.queues.put_back(work);
            }
            self.start_work(work, true);
        }
    }

    pub(super) fn has_permit(&self) -> bool {
        let permits = self.settings.partition_concurrency;
        permits == 0 || self.active < permits
    }

    pub(super) fn may_start(&mut self) -> bool {
        let rate = self.settings.processing_rate;
        if rate < 0 && self.limiter.is_unlimited() {
            return true;
        }
        let steady = self.shared.clock.monotonic();
        self.limiter.set_rate(rate, steady);
        match self.limiter.take(steady) {
            Permit::Now => true,
            Permit::In(wait) => {
                self.throttled = Some(wait);
                false
            }
            Permit::Never => {
                self.throttled = Some(Duration::from_secs(1));
                false
            }
        }
    }

    /// Hands a letter to be buried; `work` completes by it.
    pub(super) fn bury(&mut self, letter: Letter, work: Work) {
        self.shared.metrics.dead_letters.increment(1);
        let burial = self.shared.cemetery.clone().bury(letter);
        self.burials.push(
            async move {
                burial.await;
                Some(work)
            }
            .boxed(),
        );
    }

    /// The offset, or the timer, is complete.
    pub(super) fn complete(&mut self, origin: Origin) {
        match origin {
            Origin::Log(offset) => self.tracker.lock().complete(offset),
            Origin::Timer(timer) => {
                self.tracker.lock().end(timer);
                self.outbox.push(Change::End(timer));
            }
        }
    }
}
