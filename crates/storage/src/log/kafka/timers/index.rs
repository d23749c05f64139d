//! Where timers are while they wait: a fjall database on local disk, which the log can fill again at any time. Nothing of it
//! is synced, nothing survives.
//!
//! ```text
//! Stores  one for all timers of a log; opens a store when the first partition comes, and another when that one has failed
//! Store   a database in a directory of its own, which goes with the last partition; says what it holds in memory
//! Index   the cells of one partition: a keyspace, empty at first
//! ```
//!
//! What is written is in memory until it is flushed. fjall bounds that by keyspace and knows no bound for all of them, and it waits
//! for ever for a flush that has failed. So flushing is begun here, for the largest when all together are too much; and so many
//! flushes are waited for, before a write, that fjall never is about to wait.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use fjall::config::PinningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, Readable as _, Snapshot};
use parking_lot::Mutex;

use super::cells::{Cells, Change};
use super::directory::Directory;
use crate::log::{ErrorKind, LogError};

/// What a partition keeps in memory before it is flushed.
const PARTITION_BYTES: u64 = 8 << 20;
/// What all of them keep before the largest is flushed; and as much again on its way to the disk.
const BUFFER_BYTES: u64 = 32 << 20;
/// Blocks that were read.
const CACHE_BYTES: u64 = 16 << 20;
/// What a cell takes in memory beside its bytes, more or less.
const CELL_BYTES: u64 = 96;
/// Payloads from this size on are kept apart from their keys, so that compaction does not rewrite them.
const SEPARATION_BYTES: u32 = 1024;
/// fjall begins another journal after so much.
const JOURNAL_BYTES: u64 = 64 << 20;
/// What may wait for the disk of one partition. fjall would wait at four, and at thirty.
const SEALED: usize = 2;
const TABLES: usize = 16;
/// How often is looked whether the disk keeps up, and how many times before it is given up.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSES: u32 = 12_000;

/// What the timers on Kafka take here, for those who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimerIndexes {
    /// Partitions whose timers are indexed.
    pub partitions: usize,
    /// Bytes in memory: what is not flushed yet, and blocks that were read.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl TimerIndexes {
    /// More bytes are never in memory, however many timers wait: what is written, as much on its way to the disk, what two writers
    /// have in hand, and blocks that were read. What an index that has failed holds comes on top until it is let go of, at once.
    pub const MOST_MEMORY_BYTES: u64 = 2 * BUFFER_BYTES + 2 * PARTITION_BYTES + CACHE_BYTES;
}

/// Opens the store, and finds it again.
#[derive(Debug)]
pub(in crate::log::kafka) struct Stores {
    below: PathBuf,
    /// The last is the one in use; those before it have failed, and somebody still holds them.
    living: Mutex<Vec<Weak<Store>>>,
    failures: Arc<AtomicU64>,
}

impl Stores {
    /// A directory that was named is tried at once.
    pub(in crate::log::kafka) fn new(named: Option<PathBuf>) -> Result<Self, LogError> {
        let stores = |below| Self { below, living: Mutex::default(), failures: Arc::default() };
        let Some(below) = named else { return Ok(stores(std::env::temp_dir())) };
        let stores = stores(below);
        stores.directory().map_err(|error| LogError::new(ErrorKind::Invalid, error))?;
        Ok(stores)
    }

    fn directory(&self) -> Result<Directory, String> {
        Directory::make(&self.below).map_err(|error| {
            format!(
                "no index of timers can be kept below {}: {error}; make that a directory that this process may write to, or name \
                 another one by KafkaOptions::timers_dir",
                self.below.display()
            )
        })
    }

    /// An empty index. Works on the disk.
    pub(super) fn index(&self) -> Result<Index, LogError> {
        let mut living = self.living.lock();
        living.retain(|store| store.strong_count() > 0);
        let usable = living.last().and_then(Weak::upgrade).filter(|store| store.check().is_ok());
        let store = match usable {
            Some(store) => store,
            None => {
                let directory = self.directory().map_err(|e| LogError::new(ErrorKind::Unavailable, e))?;
                let store = Arc::new(Store::open(directory, Arc::clone(&self.failures))?);
                living.push(Arc::downgrade(&store));
                store
            }
        };
        Store::index(store)
    }

    /// How many stores have failed so far.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    pub(in crate::log::kafka) fn stats(&self) -> TimerIndexes {
        let living: Vec<_> = self.living.lock().iter().filter_map(Weak::upgrade).collect();
        living.iter().map(|store| store.stats()).fold(TimerIndexes::default(), |sum, one| TimerIndexes {
            partitions: sum.partitions + one.partitions,
            memory_bytes: sum.memory_bytes + one.memory_bytes,
            disk_bytes: sum.disk_bytes + one.disk_bytes,
        })
    }
}

/// What a partition has in memory.
struct Buffer {
    keyspace: Keyspace,
    active: u64,
    /// On its way to the disk, as long as anything of the partition is.
    sealed: u64,
}

impl Buffer {
    fn sealed(&self) -> u64 {
        if self.keyspace.sealed_memtable_count() == 0 { 0 } else { self.sealed }
    }
}

struct Store {
    database: Database,
    buffers: Mutex<BTreeMap<u64, Buffer>>,
    next: AtomicU64,
    /// What could first not be written or read: the database is of no more use.
    failure: OnceLock<LogError>,
    /// Of all stores.
    failures: Arc<AtomicU64>,
    /// Goes last.
    directory: Directory,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Store {
    fn open(directory: Directory, failures: Arc<AtomicU64>) -> Result<Self, LogError> {
        let opened = Database::builder(directory.path().join("rows"))
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .manual_journal_persist(true)
            .worker_threads(2)
            .open();
        let database = opened.map_err(|error| failed(&directory, &error.to_string()))?;
        let (buffers, next, failure) = Default::default();
        Ok(Self { database, buffers, next, failure, failures, directory })
    }

    fn index(store: Arc<Self>) -> Result<Index, LogError> {
        let number = store.next.fetch_add(1, Ordering::Relaxed);
        let keyspace = store.tried(store.database.keyspace(&number.to_string(), options))?;
        let buffer = Buffer { keyspace: keyspace.clone(), active: 0, sealed: 0 };
        store.buffers.lock().insert(number, buffer);
        Ok(Index { keyspace, number, commits: Mutex::default(), store })
    }

    /// What fjall answers. After an error there is another store for whoever asks next.
    fn tried<T>(&self, answer: fjall::Result<T>) -> Result<T, LogError> {
        answer.map_err(|error| self.fail(&error.to_string()))
    }

    fn fail(&self, why: &str) -> LogError {
        let error = failed(&self.directory, why);
        if self.failure.set(error.clone()).is_ok() {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
        error
    }

    /// Whether it is of use.
    fn check(&self) -> Result<(), LogError> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    fn sealed(&self) -> u64 {
        self.buffers.lock().values().map(Buffer::sealed).sum()
    }

    fn wait_for_disk(&self, keyspace: &Keyspace) -> Result<(), LogError> {
        let is_behind = || {
            keyspace.sealed_memtable_count() >= SEALED
                || keyspace.l0_table_count() >= TABLES
                || self.sealed() > BUFFER_BYTES
        };
        for _ in 0..PAUSES {
            // One waits for it; those after him need not.
            self.check()?;
            if !is_behind() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.fail("the disk does not keep up, or is full"))
    }

    /// Counts what was written, and has the largest flushed if it is too much.
    fn count(&self, number: u64, bytes: u64) -> Result<(), LogError> {
        let mut buffers = self.buffers.lock();
        let Some(mine) = buffers.get_mut(&number) else { return Ok(()) };
        mine.active += bytes;
        let is_much = mine.active >= PARTITION_BYTES;
        if !is_much && buffers.values().map(|buffer| buffer.active).sum::<u64>() < BUFFER_BYTES {
            return Ok(());
        }
        let Some(largest) = buffers.values_mut().max_by_key(|buffer| buffer.active) else { return Ok(()) };
        largest.sealed = largest.sealed() + largest.active;
        largest.active = 0;
        let keyspace = largest.keyspace.clone();
        drop(buffers);
        self.tried(keyspace.rotate_memtable()).map(drop)
    }

    fn stats(&self) -> TimerIndexes {
        let buffers = self.buffers.lock();
        let held: u64 = buffers.values().map(|buffer| buffer.active + buffer.sealed()).sum();
        TimerIndexes {
            partitions: buffers.len(),
            memory_bytes: held + self.database.cache_size(),
            disk_bytes: self.database.disk_space().unwrap_or_default(),
        }
    }
}

fn options() -> KeyspaceCreateOptions {
    let apart = KvSeparationOptions::default().separation_threshold(SEPARATION_BYTES);
    KeyspaceCreateOptions::default()
        .with_kv_separation(Some(apart))
        // Flushing is begun here.
        .max_memtable_size(u64::MAX)
        // Blocks that stay in memory would grow with the timers.
        .index_block_pinning_policy(PinningPolicy::all(false))
        .filter_block_pinning_policy(PinningPolicy::all(false))
}

fn failed(directory: &Directory, why: &str) -> LogError {
    let path = directory.path().display();
    LogError::new(
        ErrorKind::Unavailable,
        format!(
            "the index of timers in {path}: {why}; it is read from the log again. If that does not pass, free that disk, or name a \
             directory on another one by KafkaOptions::timers_dir"
        ),
    )
}

/// The cells of one partition; they go with it. Goes where waiting for the disk is allowed.
pub(super) struct Index {
    keyspace: Keyspace,
    number: u64,
    /// Held while a batch becomes visible, row by row.
    commits: Mutex<()>,
    store: Arc<Store>,
}

impl Index {
    /// Whether it is of use: an error of one partition is the end of all that share its store.
    pub(super) fn check(&self) -> Result<(), LogError> {
        self.store.check()
    }

    /// A moment between two batches: a snapshot that is taken during one may hold a part of it (see `embedded::latest`).
    fn moment(&self) -> Snapshot {
        let _no_commit = self.commits.lock();
        self.store.database.snapshot()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("number", &self.number)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Cells for Index {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        let found = self.store.tried(self.keyspace.get(key))?;
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), LogError> {
        self.store.wait_for_disk(&self.keyspace)?;
        let mut batch = self.store.database.batch();
        let mut bytes = 0;
        for (key, value) in changes {
            bytes += CELL_BYTES + (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64;
            match value {
                Some(value) => batch.insert(&self.keyspace, key, &value[..]),
                None => batch.remove(&self.keyspace, key),
            }
        }
        let commit = self.commits.lock();
        let committed = batch.commit();
        drop(commit);
        self.store.tried(committed)?;
        self.store.count(self.number, bytes)
    }

    fn scan(
        &self,
        from: Bound<&[u8]>,
        to: &[u8],
        show: &mut dyn FnMut(&[u8], Bytes) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        for cell in self.moment().range::<&[u8], _>(&self.keyspace, (from, Bound::Included(to))) {
            let (key, value) = self.store.tried(cell.into_inner())?;
            if show(&key, Bytes::copy_from_slice(&value)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.store.buffers.lock().remove(&self.number);
        if let Err(error) = self.store.database.delete_keyspace(self.keyspace.clone()) {
            tracing::debug!(%error, "an index of timers goes with its store, if not now");
        }
    }
}

#[cfg(test)]
impl Stores {
    /// Until this is let go of, whoever wants an index waits.
    pub(super) fn busy(&self) -> impl Drop + '_ {
        self.living.lock()
    }
}

#[cfg(test)]
impl Index {
    /// Has all that is in memory written to the disk.
    pub(super) fn flush(&self) {
        self.keyspace.rotate_memtable_and_wait().unwrap();
    }

    /// Has its store fail.
    pub(super) fn fail(&self, why: &str) -> LogError {
        self.store.fail(why)
    }
}

#[cfg(test)]
mod tests;
