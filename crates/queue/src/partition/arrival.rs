//! What becomes of a record or a timer before it runs.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::Timestamp;
use denrei_storage::log::{Record, TimerId, TimerRow};
use prost::Message;

use super::actor::Partition;
use super::burial::Letter;
use super::work::{Charge, KeyHash, Load, Origin, Work};
use crate::settings::KeyOrder;
use crate::wire::{Parked, ParkedKind, RawTask, Unread};

/// What a fresh task is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Run,
    Ignore,
    Expire,
    Wait(ParkedKind, Timestamp),
}

impl Partition {
    /// Records were read.
    pub(super) fn arrive(&mut self, load: Load) {
        self.shared.metrics.consumed.increment(load.len() as u64);
        for (record, charge) in load {
            self.arrived(record, charge);
            self.dispatch();
        }
    }

    fn arrived(&mut self, record: Record, charge: Charge) {
        if !self.tracker.lock().read(record.offset) {
            self.shared.metrics.skipped.increment(1);
            return;
        }
        let (offset, origin) = (record.offset, Origin::Log(record.offset));
        let at = record.timestamp;
        match RawTask::of(record, self.format) {
            Ok(task) if self.twins.take(offset, &task) => {
                self.shared.metrics.skipped.increment(1);
                self.complete(origin);
            }
            Ok(mut task) => {
                let key = task.key.as_ref().map(KeyHash::of);
                #[cfg(feature = "testing")]
                let key = key.filter(|_| !self.shared.has_fault(crate::testing::Fault::ForgetKeys));
                let born = task.take_born(at);
                let (task, is_decided) = (Arc::new(task), false);
                self.fresh(Work { origin, task, key, reason: String::new(), born, is_decided, charge });
            }
            Err(unread) => {
                let letter = self.undecodable(*unread);
                self.bury(letter, Work::unread(origin, at, charge));
            }
        }
    }

    fn undecodable(&self, Unread { record, error }: Unread) -> Letter {
        Letter {
            place: self.place.clone(),
            offset: record.offset,
            key: record.key,
            value: record.value,
            headers: record.headers,
            attempts: 0,
            reason: error.to_string(),
            at: self.shared.clock.now(),
        }
    }

    fn fresh(&mut self, work: Work) {
        if self.is_behind_others(&work) {
            return self.queues.push(work);
        }
        if self.must_wait(&work) {
            return self.park_behind(work);
        }
        match self.fate(&work) {
            Fate::Run if self.queues.is_free(work.key) && self.has_permit() && self.may_run_now() => {
                self.start_work(work, false);
            }
            Fate::Run => self.queues.push(work.decided()),
            Fate::Ignore => self.ignore(&work),
            Fate::Expire => self.expire(work),
            Fate::Wait(kind, due) => self.park(work, kind, due),
        }
    }

    /// Whether an earlier task of its key may yet come to wait, so that what becomes of this one is not known.
    fn is_behind_others(&self, work: &Work) -> bool {
        self.settings.key_order == KeyOrder::Hold && work.key.is_some_and(|key| self.queues.is_busy(key))
    }

    /// The turn of a queued task has come. It is given back if it is to run.
    pub(super) fn at_its_turn(&mut self, work: Work) -> Option<Work> {
        let key = work.key;
        if self.must_wait(&work) {
            self.park_behind(work);
            self.queues.release(key);
            return None;
        }
        if work.is_decided {
            return Some(work);
        }
        let fate = match work.origin {
            Origin::Log(_) => self.fate(&work),
            Origin::Timer(_) => self.fate_of_fired(&work),
        };
        match fate {
            Fate::Run => return Some(work.decided()),
            Fate::Ignore => {
                self.ignore(&work);
                self.let_next(key, work.origin.offset());
            }
            Fate::Expire => self.expire(work),
            Fate::Wait(kind, due) => self.park(work, kind, due),
        }
        self.queues.release(key);
        None
    }

    pub(super) fn ignore(&mut self, work: &Work) {
        self.shared.metrics.ignored.increment(1);
        self.complete(work.origin);
    }

    pub(super) fn expire(&mut self, work: Work) {
        self.give_up(work, "the task is older than its time to live");
    }

    fn may_run_now(&mut self) -> bool {
        self.drain.is_none() && self.may_start()
    }

    /// The clock is asked only where time matters: most tasks have none of their own.
    pub(super) fn fate(&mut self, work: &Work) -> Fate {
        if let Some(fate) = self.is_unwanted(work) {
            return fate;
        }
        let (clock, metadata) = (&*self.shared.clock, &work.task.metadata);
        if metadata.scheduled_time_millis > 0 && metadata.scheduled() > clock.now() {
            let kind = if metadata.attempt() > 0 { ParkedKind::Retry } else { ParkedKind::Scheduled };
            return Fate::Wait(kind, metadata.scheduled());
        }
        #[cfg(feature = "testing")]
        if self.shared.has_fault(crate::testing::Fault::Shuffle) && work.origin.offset().0.is_multiple_of(3) {
            return Fate::Wait(ParkedKind::Scheduled, clock.now().plus(Duration::from_millis(50)));
        }
        self.within_quota(work)
    }

    /// Runs, or waits until it is within the quota of its key again. Asked once for each try, which is counted by that.
    fn within_quota(&mut self, work: &Work) -> Fate {
        let rate = self.settings.per_key_rate;
        let Some(key) = work.key.filter(|_| rate > 0) else { return Fate::Run };
        match self.quota.take(key, rate, self.shared.clock.monotonic()) {
            None => Fate::Run,
            Some(wait) => Fate::Wait(ParkedKind::Shaped, self.shared.clock.now().plus(wait)),
        }
    }

    /// Whether a task is not to run at all, whenever it is looked at.
    fn is_unwanted(&self, work: &Work) -> Option<Fate> {
        let settings = &*self.settings;
        if !settings.ignore_keys.is_empty()
            && let Some(key) = work.task.key.as_ref().and_then(|key| std::str::from_utf8(key).ok())
            && settings.ignore_keys.contains(key)
        {
            return Some(Fate::Ignore);
        }
        let ttl = settings.task_ttl_ms;
        let is_old = ttl > 0 && self.shared.clock.now().since(work.born) > Duration::from_millis(ttl);
        is_old.then_some(Fate::Expire)
    }

    /// A timer is due.
    pub(super) fn fired(&mut self, row: TimerRow) {
        let (offset, key) = (row.id.offset, self.held.fired(row.id));
        let now = self.shared.clock.now();
        self.shared.metrics.timer_lateness.record(now.since(row.due).as_secs_f64());
        let Some((work, kind)) = self.revive(row) else { return self.let_next(key, offset) };
        if key != work.key {
            // Under a number, a task of another key has taken the place of the one that held this.
            self.let_next(key, offset);
        }
        if let Some(key) = work.key.filter(|_| self.held.is_partial() && kind != ParkedKind::Behind) {
            // It may be a front that was left out.
            self.held.hold(key, offset);
        }
        let fate = match self.is_unwanted(&work) {
            Some(fate) => fate,
            // It was counted when the quota put it aside.
            None if kind == ParkedKind::Shaped => Fate::Run,
            // It is not in front of its key, and is counted when it is.
            None if self.must_wait(&work) || self.is_behind_others(&work) => return self.queues.push(work),
            None => self.within_quota(&work),
        };
        match fate {
            Fate::Run => self.queues.push(work.decided()),
            Fate::Ignore => {
                self.ignore(&work);
                self.let_next(work.key, offset);
            }
            Fate::Expire => self.expire(work),
            Fate::Wait(kind, due) => self.park(work, kind, due),
        }
    }

    /// What becomes of a task whose time has come.
    fn fate_of_fired(&mut self, work: &Work) -> Fate {
        self.is_unwanted(work).unwrap_or_else(|| self.within_quota(work))
    }

    /// The task that was parked in a timer, and why it was; none if it cannot be read, and is buried.
    pub(super) fn revive(&mut self, row: TimerRow) -> Option<(Work, ParkedKind)> {
        let charge = Charge::timer(&self.account, row.payload.len());
        let origin = Origin::Timer(row.version());
        match Parked::decode(row.payload.clone()) {
            Ok(parked) => {
                let (task, kind) = (Arc::new(parked.task()), parked.kind());
                let (key, born) = (task.key.as_ref().map(KeyHash::of), parked.born(row.due));
                let (reason, is_decided) = (parked.reason, false);
                Some((Work { origin, task, key, reason, born, is_decided, charge }, kind))
            }
            Err(error) => {
                self.bury_row(row, &error.to_string(), charge);
                None
            }
        }
    }

    fn bury_row(&mut self, row: TimerRow, error: &str, charge: Charge) {
        let origin = Origin::Timer(row.version());
        let TimerId { offset, attempt } = row.id;
        let letter = Letter {
            place: self.place.clone(),
            offset,
            key: None,
            value: Some(row.payload),
            headers: Vec::new(),
            attempts: attempt,
            reason: format!("a timer that cannot be read: {error}"),
            at: self.shared.clock.now(),
        };
        self.bury(letter, Work::unread(origin, row.due, charge));
    }
}
