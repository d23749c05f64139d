//! What the upkeep of a log costs its committer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use denrei_model::Timestamp;
use denrei_model::clock::ManualClock;
use tokio::sync::oneshot;

use super::super::engine::LocalOptions;
use super::super::job::Job;
use super::super::kv::{Kv, MemoryKv, Rows};
use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Rows that were read in order: in all, and at most at once.
#[derive(Default)]
struct Read {
    all: AtomicUsize,
    at_once: AtomicUsize,
}

/// Rows in memory, counted when they are read.
#[derive(Default)]
struct CountingKv {
    kv: MemoryKv,
    read: Arc<Read>,
}

impl Kv for CountingKv {
    fn apply(&self, ops: Vec<Op>) -> Result<(), LogError> {
        self.kv.apply(ops)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        self.kv.get(space, key)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Rows, LogError> {
        let rows = self.kv.scan(space, from, to, limit)?;
        self.read.all.fetch_add(rows.len(), Ordering::Relaxed);
        self.read.at_once.fetch_max(rows.len(), Ordering::Relaxed);
        Ok(rows)
    }

    fn last(&self, space: Space, from: &[u8], upto: &[u8]) -> Result<Option<(Bytes, Bytes)>, LogError> {
        self.kv.last(space, from, upto)
    }

    fn used(&self) -> u64 {
        self.kv.used()
    }
}

struct Kept {
    engine: Engine,
    clock: Arc<ManualClock>,
    read: Arc<Read>,
}

impl Kept {
    /// A topic "t" of two partitions, kept for an hour.
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000_000)));
        let kv = CountingKv::default();
        let read = Arc::clone(&kv.read);
        let engine =
            Engine::open(Box::new(kv), Arc::<ManualClock>::clone(&clock), LocalOptions::default()).unwrap();
        let kept = Self { engine, clock, read };
        let config = TopicConfig { retention: Some(HOUR), ..TopicConfig::new(2) };
        kept.change(Change::Create(TopicName::from("t"), config));
        kept
    }

    fn change(&self, change: Change) {
        let (reply, mut answer) = oneshot::channel();
        self.engine.process(vec![Job::Change { change, reply }]);
        answer.try_recv().unwrap().unwrap();
    }

    /// Puts so many chunks of one record into each partition.
    fn fill(&self, chunks: usize) {
        for partition in [0, 1].repeat(chunks) {
            let (reply, mut answer) = oneshot::channel();
            let record =
                NewRecord { partition: Some(Partition(partition)), ..NewRecord::new("t", "a record") };
            self.engine.process(vec![Job::Append { record, reply }]);
            answer.try_recv().unwrap().unwrap();
        }
    }

    /// Rows that a sweep reads.
    fn sweep(&self) -> usize {
        self.read.all.store(0, Ordering::Relaxed);
        self.change(Change::Sweep);
        self.read.all.load(Ordering::Relaxed)
    }

    fn start(&self) -> Offset {
        self.engine.view.lock().span(&Place::new("t", 1)).unwrap().start
    }
}

#[test]
fn a_sweep_that_finds_nothing_to_drop_reads_one_row_a_partition() {
    let kept = Kept::new();
    kept.fill(300);
    assert_eq!((kept.sweep(), kept.start()), (2, Offset(0)));
}

#[test]
fn a_sweep_reads_what_it_drops_a_page_at_a_time_and_little_more() {
    let kept = Kept::new();
    kept.fill(200);
    kept.clock.advance(HOUR + Duration::from_secs(1));
    kept.fill(300);
    let read = kept.sweep();
    assert_eq!(kept.start(), Offset(200));
    // To find what is too old, and again to drop it.
    assert!((800..=2 * (2 * 200 + 64)).contains(&read), "{read} rows");
    assert!(kept.read.at_once.load(Ordering::Relaxed) <= 64);
    assert_eq!((kept.sweep(), kept.start()), (2, Offset(200)));
}

#[test]
fn a_topic_with_more_than_a_page_of_chunks_is_deleted_whole() {
    let kept = Kept::new();
    kept.fill(200);
    kept.change(Change::Delete(TopicName::from("t")));
    assert_eq!(kept.engine.kv.used(), 0);
}
