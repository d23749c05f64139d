//! What becomes of a task after it ran: done, parked for another try, or buried. There is no other way out.

use std::sync::Arc;

use denrei_model::Timestamp;
use denrei_storage::log::{NewRecord, TimerRow, TopicName};
use xxhash_rust::xxh3::xxh3_64;

use super::actor::Partition;
use super::burial::{Letter, shortened};
use super::held::NEVER;
use super::outbox::{Change, Written};
use super::timers::RECHECK;
use super::work::{Origin, Work};
use crate::pipeline::Ended;
use crate::processor::{TaskError, Verdict};
use crate::wire::{Parked, ParkedKind, is_numbered, to_millis};

impl Partition {
    /// A task came to its end, one way or the other.
    pub(super) fn ended(&mut self, mut work: Work, ended: Ended) {
        #[cfg(feature = "testing")]
        if self.is_sabotaged(&work, &ended) {
            return self.complete(work.origin);
        }
        let Err(TaskError { reason, verdict }) = ended else {
            self.processed += 1;
            self.complete(work.origin);
            return self.let_next(work.key, work.origin.offset());
        };
        self.shared.metrics.failed.increment(1);
        work.reason = shortened(reason);
        tracing::debug!(place = ?self.place, offset = work.origin.offset().0, reason = %work.reason, "a task failed");
        let failed = work.task.metadata.attempt().saturating_add(1);
        let delay = match verdict {
            Verdict::DeadLetter => return self.give_up(work, ""),
            verdict => {
                let planned = self.settings.retry.delay(failed, self.luck(&work));
                let Some(planned) = planned else {
                    let last = std::mem::take(&mut work.reason);
                    return self.give_up(work, &format!("given up after {failed} tries; the last: {last}"));
                };
                if let Verdict::RetryAfter(delay) = verdict { delay } else { planned }
            }
        };
        self.shared.metrics.retried.increment(1);
        let due = self.shared.clock.now().plus(delay);
        let task = Arc::make_mut(&mut work.task);
        task.metadata.retry_count = i64::from(failed);
        task.metadata.scheduled_time_millis = to_millis(due);
        match self.shared.retry_topics.get(&self.place.topic) {
            Some(topic) => self.post_retry(work, topic.clone()),
            None => self.park(work, ParkedKind::Retry, due),
        }
    }

    /// Leaves the retry to whoever reads the retry topic, as Decaton does; the origin completes once it is there.
    fn post_retry(&mut self, work: Work, topic: TopicName) {
        let (value, headers) = work.task.write_retry(self.format, work.born);
        let record = NewRecord {
            topic,
            partition: None,
            key: work.task.key.clone(),
            value: Some(value),
            headers,
            timestamp: None,
        };
        let posted = self.shared.cemetery.clone().post(record);
        self.burials.push(Box::pin(async move {
            posted.await;
            Some(work)
        }));
    }

    /// Breaks a promise, if that was asked for. True: the task completes, whatever it said.
    #[cfg(feature = "testing")]
    fn is_sabotaged(&mut self, work: &Work, ended: &Ended) -> bool {
        use crate::testing::Fault;
        if self.shared.has_fault(Fault::BuryDone) && ended.is_ok() {
            let (value, headers) = work.task.write(self.format);
            let letter = Letter {
                place: self.place.clone(),
                offset: work.origin.offset(),
                key: work.task.key.clone(),
                value: Some(value),
                headers,
                attempts: 0,
                reason: "sabotage".to_owned(),
                at: self.shared.clock.now(),
            };
            let burial = self.shared.cemetery.clone().bury(letter);
            self.burials.push(Box::pin(async move {
                burial.await;
                None
            }));
        }
        self.shared.has_fault(Fault::CompleteFailed) && ended.is_err()
    }

    /// A number between 0 and 1 that differs between tasks and tries.
    fn luck(&self, work: &Work) -> f64 {
        let attempt = work.task.metadata.retry_count.to_be_bytes();
        let place =
            [&self.place.partition.0.to_be_bytes()[..], &work.origin.offset().0.to_be_bytes(), &attempt];
        let hash = xxh3_64(&[&place.concat()[..], &self.shared.seed.to_be_bytes()].concat());
        #[expect(clippy::cast_precision_loss, reason = "48 bits fit")]
        let luck = (hash >> 16) as f64 / (1_u64 << 48) as f64;
        luck
    }

    /// Has the task wait as a timer; its origin completes once that is durable.
    pub(super) fn park(&mut self, work: Work, kind: ParkedKind, due: Timestamp) {
        self.begin_to_hold(&work);
        self.put_aside(work, kind, due);
    }

    /// Writes a task down as a timer.
    pub(super) fn put_aside(&mut self, work: Work, kind: ParkedKind, due: Timestamp) {
        let parked = Parked::new(kind, &work.task, work.reason.as_str()).born_at(work.born);
        let row = TimerRow { id: work.timer_id(), due, payload: parked.encode_to_bytes() };
        self.outbox.push(Change::Park(row, work));
    }

    /// Sends the task to the dead letters; its origin completes once it is there.
    pub(super) fn give_up(&mut self, work: Work, why: &str) {
        let reason = if why.is_empty() { work.reason.clone() } else { why.to_owned() };
        let (value, headers) = work.task.write(self.format);
        let letter = Letter {
            place: self.place.clone(),
            offset: work.origin.offset(),
            key: work.task.key.clone(),
            value: Some(value),
            headers,
            attempts: work.task.metadata.attempt(),
            reason,
            at: self.shared.clock.now(),
        };
        self.bury(letter, work);
    }

    pub(super) fn buried(&mut self, work: Option<Work>) {
        if let Some(work) = work {
            self.complete(work.origin);
            self.let_next(work.key, work.origin.offset());
        }
    }

    /// Whether a timer is due before the timers are read again.
    fn is_due_soon(&self, due: Timestamp) -> bool {
        due <= self.shared.clock.now().plus(RECHECK)
    }

    /// A change of timers is durable.
    pub(super) fn written(&mut self, written: Written) {
        match written {
            Written::Parked(row, work) => {
                self.shared.metrics.parked.increment(1);
                match work.origin {
                    Origin::Log(offset) => self.tracker.lock().complete(offset),
                    Origin::Timer(timer) => self.book.ended(timer.id),
                }
                if row.due != NEVER {
                    self.front_waits(&work, &row);
                    let is_next_try = matches!(work.origin, Origin::Timer(_));
                    if is_numbered(row.id.offset) || is_next_try && self.is_due_soon(row.due) {
                        // Something else may have been put under its number meanwhile, which then counts; or it was cancelled.
                        self.book.doubt();
                    } else {
                        self.book.added(row, self.settings.max_fired_timers);
                    }
                }
            }
            Written::Ended(timer) => {
                self.tracker.lock().deleted(timer);
                self.book.ended(timer.id);
            }
        }
    }
}
