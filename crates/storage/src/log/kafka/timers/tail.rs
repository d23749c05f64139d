//! Tailing the timers of one topic: a thread reads those partitions that are open here, each into an index of its own.
//!
//! The disk is waited for on that thread, and where those who ask for timers wait; never under the lock of the partitions. An index is
//! let go of there as well.
//!
//! An index that cannot be written or read is given up, with all that share its store, and the partition read from its beginning into
//! another one. Until that has seen all that was answered for, nothing is said of its timers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset as ForeignOffset, TopicPartitionList};
use tokio::sync::watch;

use super::index::{Index, Stores};
use super::rows::Rows;
use crate::log::kafka::error::foreign;
use crate::log::kafka::records::record;
use crate::log::{Epoch, ErrorKind, LogError, Offset, Partition, Record, TopicName, Watermarks};

/// How long the tail sleeps in librdkafka before it looks whether partitions came or went.
const TICK: Duration = Duration::from_millis(20);
/// How long a write may take to come back by the tail.
const PATIENCE: Duration = Duration::from_secs(30);

/// A partition that is tailed.
#[derive(Debug)]
struct Tailed {
    epoch: Epoch,
    /// Tells it from one that was tailed under the same number before, and read to its end.
    turn: u64,
    /// Or why they were given up.
    rows: Result<Arc<Rows<Index>>, LogError>,
    /// Records before this one were there already when the tail began.
    began_at: Offset,
    /// What was overruled is being settled.
    is_settling: bool,
    /// The offset that the tail waits for.
    next: watch::Sender<u64>,
    /// The index before this one has failed, and the tail has to reach this offset again.
    again: Option<Offset>,
}

impl Tailed {
    /// Whether the index lacks what it had before.
    fn is_behind(&self) -> bool {
        self.rows.is_err() || self.again.is_some_and(|again| *self.next.borrow() < again.0)
    }

    fn fail(&mut self, error: LogError) -> Option<Arc<Rows<Index>>> {
        tracing::error!(%error, "timers are read from the log again");
        // Whoever waits is answered: what is durable is durable, and shown by the next index alone.
        self.again = Some(Offset(*self.next.borrow()).max(self.again.unwrap_or_default()));
        self.next = watch::Sender::new(0);
        std::mem::replace(&mut self.rows, Err(error)).ok()
    }
}

/// What the tail of one topic shares with those who ask.
#[derive(Debug)]
pub(super) struct Tail {
    stores: Arc<Stores>,
    partitions: Mutex<BTreeMap<u32, Tailed>>,
    /// Who was last about to open a partition, until he closes it. Locked after the partitions.
    announced: Mutex<BTreeMap<u32, Epoch>>,
    /// Indexes that were closed or given up, until the tail lets go of them.
    left: Mutex<Vec<Arc<Rows<Index>>>>,
    turns: AtomicU64,
    changed: AtomicBool,
    /// Somebody asked for timers whose index has failed.
    is_missed: AtomicBool,
    closed: AtomicBool,
}

impl Tail {
    pub(super) fn new(stores: Arc<Stores>) -> Self {
        let (partitions, announced, left, turns, changed, is_missed, closed) = Default::default();
        Self { stores, partitions, announced, left, turns, changed, is_missed, closed }
    }

    /// Notes who is about to open a partition: the disk is waited for in between, and it may be closed meanwhile.
    pub(super) fn announce(&self, partition: Partition, epoch: Epoch) {
        let mut announced = self.announced.lock();
        let latest = announced.entry(partition.0).or_insert(epoch);
        *latest = epoch.max(*latest);
    }

    /// Has a partition tailed under an epoch that was announced. Works on the disk, and goes on if nobody waits for it any more.
    pub(super) fn open(&self, partition: Partition, epoch: Epoch, marks: Watermarks) -> Result<(), LogError> {
        if self.take_over(&mut self.partitions.lock(), partition, epoch)? {
            return Ok(());
        }
        let rows = Arc::new(Rows::new(self.stores.index()?));
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        // Told where to begin, librdkafka need not ask; where there are no timers, nothing is waited for.
        let next = watch::Sender::new(marks.start.0);
        let rows = Ok(rows);
        let tailed = Tailed { epoch, turn, rows, began_at: marks.end, is_settling: false, next, again: None };
        let mut partitions = self.partitions.lock();
        let taken = self.take_over(&mut partitions, partition, epoch);
        let unused = match taken {
            Ok(false) => partitions.insert(partition.0, tailed),
            Ok(true) | Err(_) => Some(tailed),
        };
        drop(partitions);
        drop(unused);
        self.changed.store(true, Ordering::SeqCst);
        taken.map(drop)
    }

    /// Takes a partition over if it is tailed already; whether it was. An error: it is a later owner's, or was closed meanwhile.
    fn take_over(
        &self,
        partitions: &mut BTreeMap<u32, Tailed>,
        partition: Partition,
        epoch: Epoch,
    ) -> Result<bool, LogError> {
        let is_announced = self.announced.lock().get(&partition.0) == Some(&epoch);
        match partitions.get_mut(&partition.0) {
            Some(tailed) if tailed.epoch == epoch || (is_announced && tailed.epoch < epoch) => {
                tailed.epoch = epoch;
                Ok(true)
            }
            None if is_announced => Ok(false),
            _ => Err(LogError::new(ErrorKind::NotOwner, format!("{partition:?} {epoch:?}"))),
        }
    }

    pub(super) fn close(&self, partition: Partition, epoch: Epoch) {
        let mut partitions = self.partitions.lock();
        self.announced.lock().retain(|other, theirs| (*other, *theirs) != (partition.0, epoch));
        if partitions.get(&partition.0).is_some_and(|tailed| tailed.epoch == epoch) {
            let closed = partitions.remove(&partition.0).and_then(|tailed| tailed.rows.ok());
            self.left.lock().extend(closed);
            self.changed.store(true, Ordering::SeqCst);
        }
    }

    /// Has the tail end.
    pub(super) fn end(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn epoch(&self, partition: Partition) -> Option<Epoch> {
        self.partitions.lock().get(&partition.0).map(|tailed| tailed.epoch)
    }

    /// The timers of a partition, for as long as it is open. None: it is not open.
    ///
    /// They are to be held where waiting for the disk is allowed, for whoever lets go of them last waits for it.
    pub(super) fn rows(&self, partition: Partition) -> Option<Result<Weak<Rows<Index>>, LogError>> {
        let partitions = self.partitions.lock();
        let tailed = partitions.get(&partition.0)?;
        let rows = match &tailed.rows {
            Ok(rows) if !tailed.is_behind() => return Some(Ok(Arc::downgrade(rows))),
            Ok(_) => LogError::new(ErrorKind::Unavailable, "timers are being read from the log again"),
            Err(error) => error.clone(),
        };
        self.is_missed.store(true, Ordering::SeqCst);
        Some(Err(rows))
    }

    /// These timers could not be read.
    pub(super) fn failed(&self, partition: Partition, rows: &Weak<Rows<Index>>, error: &LogError) {
        let mut partitions = self.partitions.lock();
        let are_these = |tailed: &&mut Tailed| {
            tailed.rows.as_ref().is_ok_and(|r| std::ptr::eq(Arc::as_ptr(r), rows.as_ptr()))
        };
        if let Some(tailed) = partitions.get_mut(&partition.0).filter(are_these) {
            self.give_up(tailed, error.clone());
        }
    }

    fn give_up(&self, tailed: &mut Tailed, error: LogError) {
        self.left.lock().extend(tailed.fail(error));
        self.changed.store(true, Ordering::SeqCst);
    }

    /// Gives up all indexes of a store that has failed: what they hold in memory would come on top of what the next ones hold.
    fn give_up_failed(&self) {
        for tailed in self.partitions.lock().values_mut() {
            let failure = tailed.rows.as_ref().ok().and_then(|rows| rows.cells().check().err());
            if let Some(error) = failure {
                self.give_up(tailed, error);
            }
        }
    }

    /// What is to be settled in a partition; none if there is nothing, or somebody is at it.
    pub(super) fn begin_to_settle(&self, partition: Partition) -> Option<Weak<Rows<Index>>> {
        let mut partitions = self.partitions.lock();
        let tailed = partitions.get_mut(&partition.0)?;
        let is_free = !tailed.is_settling && !tailed.is_behind();
        let rows = tailed.rows.as_ref().ok().filter(|rows| is_free && rows.is_unsettled())?;
        tailed.is_settling = true;
        Some(Arc::downgrade(rows))
    }

    pub(super) fn end_settling(&self, partition: Partition) {
        if let Some(tailed) = self.partitions.lock().get_mut(&partition.0) {
            tailed.is_settling = false;
        }
    }

    /// Resolves when all before `end` is tailed.
    pub(super) async fn caught_up(&self, partition: Partition, end: Offset) -> Result<(), LogError> {
        let next = self.partitions.lock().get_mut(&partition.0).and_then(|tailed| {
            if !tailed.is_behind() {
                return Some(tailed.next.subscribe());
            }
            // Nothing is said of the timers before the tail has come there.
            tailed.again = tailed.again.max(Some(end));
            None
        });
        let Some(mut next) = next else { return Ok(()) };
        match tokio::time::timeout(PATIENCE, next.wait_for(|next| *next >= end.0)).await {
            Ok(Ok(_)) => Ok(()),
            // Closed meanwhile, and somebody else tails it now; or its index has failed, and another one is filled.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err(LogError::new(ErrorKind::Unavailable, "the timers cannot be read at the moment")),
        }
    }

    /// Resolves when all is tailed that was there when the partition was opened.
    pub(super) async fn is_read(&self, partition: Partition) -> Result<(), LogError> {
        let began_at = self.partitions.lock().get(&partition.0).map(|tailed| tailed.began_at);
        self.caught_up(partition, began_at.unwrap_or_default()).await
    }

    /// Tails the timers of a topic until the last user is gone.
    pub(super) fn follow(&self, reader: &BaseConsumer, topic: &TopicName) {
        // What is read. A partition that was closed and opened again meanwhile is not, and what is still heard of it is of the past.
        let (mut turns, mut failures) = (BTreeMap::new(), 0);
        while !self.closed.load(Ordering::SeqCst) {
            if self.changed.load(Ordering::SeqCst) || self.stores.failures() != failures {
                failures = self.stores.failures();
                self.give_up_failed();
            }
            if self.is_missed.swap(false, Ordering::SeqCst) {
                self.begin_again(reader, topic);
            }
            if self.changed.swap(false, Ordering::SeqCst) {
                match self.assign(reader, topic) {
                    Ok(assigned) => turns = assigned,
                    Err(error) => {
                        tracing::warn!(%error, %topic, "timers cannot be read");
                        self.changed.store(true, Ordering::SeqCst);
                    }
                }
                let left = std::mem::take(&mut *self.left.lock());
                drop(left);
            }
            match reader.poll(TICK) {
                Some(Ok(message)) => {
                    let partition = u32::try_from(message.partition()).unwrap_or_default();
                    self.apply(&turns, partition, &record(&message));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.at_end(&turns, reader, topic, partition);
                }
                Some(Err(error)) => tracing::warn!(%error, %topic, "timers"),
                None => {}
            }
        }
        let partitions = std::mem::take(&mut *self.partitions.lock());
        let left = std::mem::take(&mut *self.left.lock());
        drop((partitions, left));
    }

    /// Has the reader read all that is to be tailed; the turns of these partitions.
    fn assign(&self, reader: &BaseConsumer, topic: &TopicName) -> Result<BTreeMap<u32, u64>, KafkaError> {
        let (mut list, mut turns) = (TopicPartitionList::new(), BTreeMap::new());
        for (partition, tailed) in self.partitions.lock().iter().filter(|(_, t)| t.rows.is_ok()) {
            turns.insert(*partition, tailed.turn);
            let next = i64::try_from(*tailed.next.borrow()).unwrap_or(i64::MAX);
            list.add_partition_offset(topic.as_str(), number(*partition), ForeignOffset::Offset(next))?;
        }
        reader.assign(&list)?;
        Ok(turns)
    }

    fn apply(&self, turns: &BTreeMap<u32, u64>, partition: u32, record: &Record) {
        let is_next = |tailed: &&mut Tailed| {
            turns.get(&partition) == Some(&tailed.turn) && record.offset.0 >= *tailed.next.borrow()
        };
        let found = self.partitions.lock().get_mut(&partition).filter(is_next).and_then(|tailed| {
            Some((Arc::clone(tailed.rows.as_ref().ok()?), record.offset < tailed.began_at))
        });
        let Some((rows, was_there)) = found else { return };
        let applied = rows.apply(record, was_there);
        let mut partitions = self.partitions.lock();
        // It may have been closed meanwhile.
        if let Some(tailed) = partitions.get_mut(&partition).filter(is_next).filter(|t| t.rows.is_ok()) {
            match applied {
                Ok(()) => drop(tailed.next.send_replace(record.offset.next().0)),
                Err(error) => self.give_up(tailed, error),
            }
        }
        drop(partitions);
    }

    /// Compaction leaves gaps: at the end of the partition, the tail stands at the end whatever it saw last.
    fn at_end(&self, turns: &BTreeMap<u32, u64>, reader: &BaseConsumer, topic: &TopicName, partition: i32) {
        let Ok(positions) = reader.position() else { return };
        let position = match positions.find_partition(topic.as_str(), partition).map(|e| e.offset()) {
            Some(ForeignOffset::Offset(position)) => position,
            // Nothing was ever read: the partition is empty, and begins where it ends.
            _ => reader.fetch_watermarks(topic.as_str(), partition, PATIENCE).map_or(0, |(low, _)| low),
        };
        let (partition, position) =
            (u32::try_from(partition).unwrap_or_default(), u64::try_from(position).unwrap_or(0));
        let partitions = self.partitions.lock();
        let tailed = partitions.get(&partition).filter(|tailed| tailed.rows.is_ok());
        if let Some(tailed) = tailed.filter(|tailed| turns.get(&partition) == Some(&tailed.turn)) {
            tailed.next.send_if_modified(|next| {
                let forward = position > *next;
                *next = position.max(*next);
                forward
            });
        }
    }

    /// Gives partitions whose index has failed another one, which is filled from the beginning. What fails is tried again when timers
    /// are next asked for.
    fn begin_again(&self, reader: &BaseConsumer, topic: &TopicName) {
        let in_trouble = |(partition, tailed): (&u32, &Tailed)| tailed.rows.is_err().then_some(*partition);
        let failed: Vec<u32> = self.partitions.lock().iter().filter_map(in_trouble).collect();
        for partition in failed {
            match self.another(reader, topic, partition) {
                Ok(()) => tracing::info!(%topic, partition, "another index of timers is filled from the log"),
                Err(error) => tracing::warn!(%error, %topic, partition, "timers cannot be read"),
            }
        }
    }

    fn another(&self, reader: &BaseConsumer, topic: &TopicName, partition: u32) -> Result<(), LogError> {
        let marks = reader.fetch_watermarks(topic.as_str(), number(partition), PATIENCE);
        let (start, end) = marks.map_err(|e| foreign(&e))?;
        let offset = |raw: i64| Offset(u64::try_from(raw).unwrap_or_default());
        self.replace(partition, Watermarks { start: offset(start), end: offset(end) })
    }

    /// Gives a partition an empty index in place of one that has failed.
    fn replace(&self, partition: u32, marks: Watermarks) -> Result<(), LogError> {
        let mut rows = Ok(Arc::new(Rows::new(self.stores.index()?)));
        let mut partitions = self.partitions.lock();
        if let Some(tailed) = partitions.get_mut(&partition).filter(|tailed| tailed.rows.is_err()) {
            tailed.turn = self.turns.fetch_add(1, Ordering::Relaxed);
            tailed.began_at = marks.end;
            tailed.again = tailed.again.max(Some(marks.end));
            tailed.next = watch::Sender::new(marks.start.0);
            std::mem::swap(&mut tailed.rows, &mut rows);
            self.changed.store(true, Ordering::SeqCst);
        }
        drop(partitions);
        // If it was closed meanwhile.
        drop(rows);
        Ok(())
    }
}

fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
