//! Tasks while they run, or after they were deferred.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::actor::Partition;
use super::work::Work;
use crate::pipeline::Ended;
use crate::processor::{Context, Deferral, DeferralKind, TaskError};
use crate::settings::DeferTimeout;

/// A task that runs, or was deferred.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) work: Work,
    deferred: bool,
    /// `process` has returned, and its key was released.
    returned: bool,
    /// The handle said this before `process` returned.
    ended: Option<Ended>,
    /// When a deferred task has taken too long.
    deadline: Option<Duration>,
}

impl Partition {
    /// Runs a task: here and now as far as it goes without waiting, aside if it waits. Its key is busy already if it was
    /// `queued`, and becomes so only if it waits: nothing else of the key can come in between.
    pub(super) fn start_work(&mut self, work: Work, queued: bool) {
        let slot = self.next_slot;
        self.next_slot += 1;
        let mut run = self.future(slot, &work);
        match (&mut run).now_or_never() {
            Some((_, ended)) if self.deferrals.is_empty() => {
                let key = work.key.filter(|_| queued);
                self.ended(work, ended);
                self.queues.release(key);
            }
            polled => {
                self.active += 1;
                self.queues.occupy(work.key);
                let flight = InFlight { work, deferred: false, returned: false, ended: None, deadline: None };
                self.in_flight.insert(slot, flight);
                match polled {
                    Some((_, ended)) => self.returned(slot, ended),
                    None => self.running.push(run),
                }
            }
        }
    }

    fn future(&self, slot: u64, work: &Work) -> BoxFuture<'static, (u64, Ended)> {
        let (home, task) = (Arc::clone(&self.home), Arc::clone(&work.task));
        let context = Context { offset: work.origin.offset(), home, task, slot };
        let span = tracing::debug_span!(
            "task",
            place = ?self.place,
            offset = context.offset.0,
            attempt = context.attempt(),
            traceparent = tracing::field::Empty,
        );
        if !span.is_disabled() {
            let parent = context.headers().iter().find(|h| &*h.name == b"traceparent");
            if let Some(parent) = parent.and_then(|h| h.value.as_ref()) {
                span.record("traceparent", String::from_utf8_lossy(parent).as_ref());
            }
        }
        (self.run)(context, span)
    }

    /// `process` has returned.
    pub(super) fn returned(&mut self, slot: u64, ended: Ended) {
        self.active -= 1;
        // What was deferred inside `process` was said before it returned.
        while let Ok(deferral) = self.deferrals.try_recv() {
            self.deferral(deferral);
        }
        let Some(flight) = self.in_flight.get_mut(&slot) else { return };
        let key = flight.work.key;
        flight.returned = true;
        self.first_deadline = earlier(self.first_deadline, flight.deadline);
        let last = if ended.is_ok() && flight.deferred { flight.ended.take() } else { Some(ended) };
        if let Some(last) = last
            && let Some(flight) = self.in_flight.remove(&slot)
        {
            self.ended(flight.work, last);
        }
        self.queues.release(key);
    }

    pub(super) fn deferral(&mut self, deferral: Deferral) {
        let timeout = Duration::from_millis(self.settings.defer_timeout_ms);
        let Some(flight) = self.in_flight.get_mut(&deferral.slot) else {
            self.shared.metrics.late_results.increment(1);
            return;
        };
        match deferral.what {
            DeferralKind::Started => {
                flight.deferred = true;
                flight.deadline = (!timeout.is_zero()).then(|| self.shared.clock.monotonic() + timeout);
            }
            DeferralKind::Ended(ended) if flight.returned => {
                if let Some(flight) = self.in_flight.remove(&deferral.slot) {
                    self.ended(flight.work, ended);
                }
            }
            DeferralKind::Ended(ended) => flight.ended = Some(ended),
        }
    }

    pub(super) fn check_deadlines(&mut self) {
        let Some(first) = self.first_deadline else { return };
        let steady = self.shared.clock.monotonic();
        if first > steady {
            return;
        }
        let over: Vec<u64> =
            self.deadlines().filter(|(_, deadline)| *deadline <= steady).map(|(slot, _)| slot).collect();
        for slot in over {
            self.shared.metrics.deferred_timeouts.increment(1);
            self.overdue(slot, steady);
        }
        self.first_deadline = self.deadlines().map(|(_, deadline)| deadline).min();
    }

    /// Of those whose `process` has returned: the others are still at work.
    fn deadlines(&self) -> impl Iterator<Item = (u64, Duration)> {
        let returned = self.in_flight.iter().filter(|(_, flight)| flight.returned);
        returned.filter_map(|(slot, flight)| Some((*slot, flight.deadline?)))
    }

    fn overdue(&mut self, slot: u64, steady: Duration) {
        let settings = Arc::clone(&self.settings);
        let reason = "the deferred task took too long";
        let ended = match settings.defer_timeout {
            DeferTimeout::Extend => {
                if let Some(flight) = self.in_flight.get_mut(&slot) {
                    flight.deadline = Some(steady + Duration::from_millis(settings.defer_timeout_ms.max(1)));
                }
                return;
            }
            DeferTimeout::Retry => Err(TaskError::retry(reason)),
            DeferTimeout::DeadLetter => Err(TaskError::fatal(reason)),
        };
        if let Some(flight) = self.in_flight.remove(&slot) {
            self.ended(flight.work, ended);
        }
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
