//! The store's handle: opening, and the contract.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_model::position::{Epoch, Place, RecordNumber};
use denrei_model::shard::Shard;
use fjall::Database;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::committer::{CommitFault, Committer, Shared};
use super::disk::{DiskGuard, FreeSpace, system};
use super::encode::{encode, size};
use super::error::OpenError;
use super::group::Group;
use super::latest::Latest;
use super::lock::DirectoryLock;
use super::opening::{Opened, engine_path, witness_path};
use super::options::EmbeddedOptions;
use super::queue::Queue;
use super::read::{self, Pending};
use super::readers::Readers;
use super::spaces::Spaces;
use super::stats::{Counters, StoreStats};
use crate::shard::{
    Batch, BoxFuture, Claim, ClaimError, CommitListener, EnqueueError, Fetch, Fetched, InboxStore,
    PendingRecord, ReadError, Reader, ShardStore, Snapshot, Ticket,
};

/// What the store takes from outside.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    free_space: FreeSpace,
    fault: Option<CommitFault>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock::new()), free_space: system(), fault: None }
    }
}

impl Environment {
    /// Time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Free bytes of the disk from this function.
    #[must_use]
    pub fn with_free_space(
        mut self,
        free: impl Fn(&Path) -> std::io::Result<u64> + Send + Sync + 'static,
    ) -> Self {
        self.free_space = Arc::new(free);
        self
    }

    /// Before each commit this is asked with the group's number; a reason makes the commit fail. For tests.
    #[must_use]
    pub fn with_commit_fault(
        mut self,
        fault: impl Fn(u64) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.fault = Some(Arc::new(fault));
        self
    }
}

/// The embedded store. Clones share it; when the last one goes, what has a ticket is committed and the store closed.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    db: Database,
    spaces: Spaces,
    readers: Readers,
    shards: u16,
    incarnation: [u8; 16],
    committer: Mutex<Option<JoinHandle<()>>>,
    _lock: DirectoryLock,
}

impl EmbeddedStore {
    /// Whether there is a store in this directory, whole or damaged.
    #[must_use]
    pub fn is_in(data_dir: &Path) -> bool {
        engine_path(data_dir).exists() || witness_path(data_dir).exists()
    }

    /// Opens the store in `options.data_dir`, or makes one for this many shards under this seed of their hash.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &EmbeddedOptions, shards: u16, seed: u64) -> Result<Self, OpenError> {
        Self::open_with(options, shards, seed, Environment::default())
    }

    /// [`EmbeddedStore::open`] with clock and disk from outside.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(
        options: &EmbeddedOptions,
        shards: u16,
        seed: u64,
        environment: Environment,
    ) -> Result<Self, OpenError> {
        let faults = options.faults();
        if !faults.is_empty() {
            return Err(OpenError::Options(faults));
        }
        let Environment { clock, free_space, fault } = environment;
        std::fs::create_dir_all(&options.data_dir).map_err(OpenError::io(&options.data_dir))?;
        let lock = DirectoryLock::acquire(&options.data_dir, clock.now())?;
        let opened = Opened::open(options, shards, seed, &*clock)?;
        let Opened { db, spaces, meta, chain, witness } = opened;
        let readers = Readers::start(options.reader_threads.get(), options.reader_queue.get())
            .map_err(OpenError::io(&options.data_dir))?;
        let shared = Arc::new(Shared {
            queue: Queue::new(options, shards, Epoch::new(meta.opened << 32)),
            counters: Counters::default(),
            failed: watch::Sender::new(None),
            durable: AtomicU64::new(0),
            latest: Latest::new(&db),
        });
        let committer = Committer {
            shared: Arc::clone(&shared),
            db: db.clone(),
            spaces: spaces.clone(),
            chain,
            witness,
            disk: DiskGuard::new(options.data_dir.clone(), free_space, options.free_disk_bytes),
            clock,
            durability: options.durability,
            fault,
            listeners: vec![None; usize::from(shards)],
            group: Group::default(),
            took: Duration::ZERO,
        };
        let thread = std::thread::Builder::new().name("denrei-commit".to_owned());
        let handle = thread.spawn(move || committer.run()).map_err(OpenError::io(&options.data_dir))?;
        let incarnation = meta.incarnation();
        let committer = Mutex::new(Some(handle));
        let inner = Inner { shared, db, spaces, readers, shards, incarnation, committer, _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// 16 random bytes made with the store, and made anew when a loss was accepted: part of log ids.
    #[must_use]
    pub fn incarnation(&self) -> [u8; 16] {
        self.inner.incarnation
    }

    /// How many shards it was made for.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.inner.shards
    }

    /// The last place that is durable, over all shards.
    #[must_use]
    pub fn durable(&self) -> Place {
        Place::new(self.inner.shared.durable.load(Ordering::Acquire))
    }

    /// Ends when the store has failed, with the reason: the process must then exit and not with 0.
    pub fn failed(&self) -> impl Future<Output = Arc<str>> + Send + 'static {
        let mut failed = self.inner.shared.failed.subscribe();
        async move {
            loop {
                if let Some(reason) = failed.borrow_and_update().clone() {
                    return reason;
                }
                if failed.changed().await.is_err() {
                    // Closed in order, without having failed.
                    return std::future::pending().await;
                }
            }
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            queued: self.inner.shared.queue.len() as u64,
            journals: self.inner.db.journal_count() as u64,
            memtable_bytes: self.inner.db.write_buffer_size(),
            ..self.inner.shared.counters.read()
        }
    }

    /// Takes no more batches and waits until those with a ticket are durable. Blocks; reads go on.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.shared.queue.close();
        let handle = self.committer.lock().take();
        if let Some(handle) = handle
            // A listener may hold the last handle of the store.
            && handle.thread().id() != std::thread::current().id()
        {
            // A panic of the committer has been caught and told already.
            let _ = handle.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("shards", &self.inner.shards).finish_non_exhaustive()
    }
}

impl ShardStore for EmbeddedStore {
    fn claim(
        &self,
        shard: Shard,
        listener: Arc<dyn CommitListener>,
    ) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        let answer = self.inner.shared.queue.claim(shard, listener);
        Box::pin(async move {
            answer.await.unwrap_or_else(|_| Err(ClaimError::Failed("the claim was given up".to_owned())))
        })
    }

    fn enqueue(&self, shard: Shard, epoch: Epoch, batch: &Batch) -> Result<Ticket, EnqueueError> {
        let Shared { queue, counters, .. } = &*self.inner.shared;
        let ticket = queue.admits(shard, epoch).and_then(|()| {
            let items = encode(shard, batch);
            let bytes = size(&items);
            queue.push((shard, epoch), items, bytes, batch)
        });
        match &ticket {
            Err(EnqueueError::Full) => counters.refused_full.fetch_add(1, Ordering::Relaxed),
            Err(EnqueueError::DiskFull { .. }) => counters.refused_disk.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        ticket
    }

    fn early_apply(&self) -> bool {
        true
    }
}

impl Reader for EmbeddedStore {
    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>> {
        let (shared, spaces) = (Arc::clone(&self.inner.shared), self.inner.spaces.clone());
        Box::pin(self.inner.readers.run(move || read::fetch(&shared.latest.get(), &spaces, &fetch)))
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, ReadError>> {
        let moment: Box<dyn Snapshot> = Box::new(Moment {
            snapshot: self.inner.shared.latest.get(),
            spaces: self.inner.spaces.clone(),
            readers: self.inner.readers.clone(),
        });
        Box::pin(std::future::ready(Ok(moment)))
    }
}

struct Moment {
    snapshot: fjall::Snapshot,
    spaces: Spaces,
    readers: Readers,
}

impl Snapshot for Moment {
    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>> {
        let (snapshot, spaces) = (self.snapshot.clone(), self.spaces.clone());
        Box::pin(self.readers.run(move || read::fetch(&snapshot, &spaces, &fetch)))
    }
}

impl InboxStore for EmbeddedStore {
    fn pending(
        &self,
        to: Shard,
        from: Shard,
        after: RecordNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRecord>, ReadError>> {
        let (shared, spaces) = (Arc::clone(&self.inner.shared), self.inner.spaces.clone());
        let asked = Pending { to, from, after, limit };
        Box::pin(self.inner.readers.run(move || read::pending(&shared.latest.get(), &spaces, asked)))
    }

    fn sources(&self, to: Shard) -> BoxFuture<'_, Result<Vec<Shard>, ReadError>> {
        let (shared, spaces) = (Arc::clone(&self.inner.shared), self.inner.spaces.clone());
        let shards = self.inner.shards;
        Box::pin(self.inner.readers.run(move || read::sources(&shared.latest.get(), &spaces, to, shards)))
    }
}
