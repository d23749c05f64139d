//! Carries out groups of jobs: plan, write, show.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use denrei_model::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::job::{Change, Job};
use super::kv::{Kv, Space};
use super::plan::Plan;
use super::rows;
use super::view::View;
use crate::log::{ErrorKind, GroupId, LogError, Offset, Place, Record};

/// Bounds of a local log.
#[derive(Debug, Clone, Copy)]
pub struct LocalOptions {
    /// Bytes of the newest records that are kept decoded per partition, for readers that keep up. Default 1 MiB.
    pub tail_bytes: usize,
    /// Bytes that may wait to become durable before appends are refused. Default 64 MiB.
    pub queue_bytes: usize,
    /// Bytes the store may take before appends are refused. Default: no limit.
    pub store_bytes: u64,
    /// A group without members that committed nothing for so long is forgotten. Default 7 days.
    pub group_expiry: Duration,
    /// How often the embedded log looks for what is past its retention. Default one minute.
    pub sweep_every: Duration,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            tail_bytes: 1 << 20,
            queue_bytes: 64 << 20,
            store_bytes: u64::MAX,
            group_expiry: Duration::from_secs(7 * 24 * 3600),
            sweep_every: Duration::from_secs(60),
        }
    }
}

/// The store, what readers see of it, and the way from one to the other.
pub(super) struct Engine {
    pub(super) kv: Box<dyn Kv>,
    pub(super) view: Mutex<View>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: LocalOptions,
    /// Counts what members may have to act upon: joins and leaves, topics.
    pub(super) changes: watch::Sender<u64>,
    failed: AtomicBool,
    turn: AtomicU32,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn open(
        kv: Box<dyn Kv>,
        clock: Arc<dyn Clock>,
        options: LocalOptions,
    ) -> Result<Self, LogError> {
        let view = Mutex::new(View::load(&*kv)?);
        let changes = watch::Sender::new(0);
        let (failed, turn) = (AtomicBool::new(false), AtomicU32::new(0));
        Ok(Self { kv, view, clock, options, changes, failed, turn })
    }

    /// Makes a group of jobs durable and answers them. After a failed write nothing is taken any more: what is in
    /// memory can no longer be trusted to be what is on disk.
    pub(super) fn process(&self, jobs: Vec<Job>) {
        if self.failed.load(Ordering::SeqCst) {
            return jobs.into_iter().for_each(|job| job.refuse(poisoned()));
        }
        let full = self.options.store_bytes != u64::MAX && self.kv.used() > self.options.store_bytes;
        let mut plan = Plan::new(self);
        let mut answers: Vec<Box<dyn FnOnce(Option<LogError>) + Send>> = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job {
                Job::Append { reply, .. } if full => {
                    drop(reply.send(Err(LogError::new(ErrorKind::Full, "the store has reached its limit"))));
                }
                Job::Append { record, reply } => {
                    let result = plan.append(record, self.turn.fetch_add(1, Ordering::Relaxed));
                    answers.push(Box::new(|failed| drop(reply.send(failed.map_or(result, Err)))));
                }
                Job::Change { change, reply } => {
                    let result = plan.change(change);
                    answers.push(Box::new(|failed| drop(reply.send(failed.map_or(result, Err)))));
                }
            }
        }
        plan.finish();
        let failed = self.write(plan).err();
        if let Some(error) = &failed {
            tracing::error!(%error, "the log could not be written; it takes nothing more");
            self.failed.store(true, Ordering::SeqCst);
        }
        for answer in answers {
            answer(failed.as_ref().map(|_| poisoned()));
        }
    }

    fn write(&self, plan: Plan<'_>) -> Result<(), LogError> {
        let Plan { ops, topics, next_topic, appended, committed, .. } = plan;
        if !ops.is_empty() {
            self.kv.apply(ops)?;
        }
        let mut view = self.view.lock();
        let mut reshaped = false;
        for (name, topic) in topics {
            let before = view.topics.get(&name).map(|topic| (topic.id, topic.spans.len()));
            reshaped |= before != topic.as_ref().map(|topic| (topic.id, topic.spans.len()));
            match topic {
                Some(topic) => drop(view.topics.insert(name, Arc::new(topic))),
                None => {
                    view.tails.retain(|place, _| place.topic != name);
                    view.topics.remove(&name);
                }
            }
        }
        view.next_topic = next_topic.unwrap_or(view.next_topic);
        for (place, records) in appended {
            view.tails.entry(place).or_default().push(records, self.options.tail_bytes);
        }
        for (group, place, now) in committed {
            let places = view.committed.entry(group).or_default();
            match now {
                Some(committed) => drop(places.insert(place, committed)),
                None => drop(places.remove(&place)),
            }
        }
        if reshaped {
            view.balance_all();
        }
        drop(view);
        if reshaped {
            self.changed();
        }
        Ok(())
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The least offset that a group still needs; none if no group was seen.
    pub(super) fn needed_from(&self, place: &Place, gone: &[(GroupId, Place)]) -> Option<Offset> {
        let view = self.view.lock();
        let committed = view.committed.iter().filter_map(|(group, places)| {
            let is_gone = gone.iter().any(|(g, p)| g == group && p == place);
            places.get(place).filter(|_| !is_gone).map(|c| c.offset)
        });
        let start = view.span(place).map(|span| span.start);
        let has_committed = |group: &GroupId| view.committed(group, place).is_some();
        let fresh =
            view.groups.iter().filter(|(g, members)| members.reads(&place.topic) && !has_committed(g));
        committed.chain(fresh.filter_map(|_| start)).min()
    }

    /// Records from `from` on, as far as they are durable, until they weigh so many bytes: the last ones may weigh more. Blocks on the
    /// store unless they are among the newest.
    pub(super) fn read(
        &self,
        place: &Place,
        from: Offset,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Record>, LogError> {
        let (topic, span) = {
            let view = self.view.lock();
            let topic = view.topics.get(&place.topic).map(Arc::clone);
            let topic = topic.ok_or_else(|| LogError::new(ErrorKind::NoTopic, place.topic.as_str()))?;
            let span = topic.span(place.partition);
            let span = span.ok_or_else(|| LogError::new(ErrorKind::NoPartition, format!("{place:?}")))?;
            if let Some(records) =
                view.tails.get(place).and_then(|tail| tail.read(from.max(span.start), limit))
            {
                return Ok(records);
            }
            (topic.id, span)
        };
        let from = from.max(span.start);
        let partition = place.partition.0;
        let first = rows::chunk_key(topic, partition, Offset(0));
        let at = rows::chunk_key(topic, partition, from);
        let end = rows::chunk_key(topic, partition, span.end);
        let mut chunk = self.kv.last(Space::Records, &first, &at)?;
        if chunk.is_none() {
            chunk = self.kv.scan(Space::Records, &at, &end, 1)?.pop();
        }
        let (mut records, mut weight) = (Vec::new(), 0_usize);
        while let Some((key, value)) = chunk {
            let base = rows::number(&key, 8)?;
            let skip = from.0.saturating_sub(base);
            let wanted = rows::records_of_chunk(value, skip, limit - records.len())?;
            let offsets = (base + skip..span.end.0).map(Offset);
            for (offset, row) in offsets.zip(wanted) {
                let record = row.into_record(offset);
                weight = weight.saturating_add(record.weight());
                records.push(record);
            }
            if records.len() >= limit || weight >= bytes {
                break;
            }
            let next = [&key[..], &[0]].concat();
            chunk = self.kv.scan(Space::Records, &next, &end, 1)?.pop();
        }
        Ok(records)
    }

    /// Records from `from` on, if they are among the newest: those need no store.
    pub(super) fn newest(&self, place: &Place, from: Offset, limit: usize) -> Option<Vec<Record>> {
        self.view.lock().tails.get(place)?.read(from, limit)
    }

    pub(super) fn sweep_job() -> (Job, tokio::sync::oneshot::Receiver<Result<(), LogError>>) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        (Job::Change { change: Change::Sweep, reply }, answer)
    }
}

fn poisoned() -> LogError {
    LogError::new(ErrorKind::Fatal, "an earlier write failed")
}
