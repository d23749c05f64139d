//! The one thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use denrei_model::clock::Clock;
use denrei_model::position::Place;
use denrei_model::shard::Shard;
use fjall::{Database, PersistMode};
use tokio::sync::watch;
use xxhash_rust::xxh3::Xxh3;

use super::chain::Chain;
use super::disk::DiskGuard;
use super::flight::patience;
use super::group::Group;
use super::latest::Latest;
use super::link::Link;
use super::options::Durability;
use super::queue::{Claiming, Queue, Queued, Work};
use super::read;
use super::spaces::{Space, Spaces};
use super::stats::{Committed, Counters};
use super::witness::Witness;
use crate::shard::{Claim, ClaimError, CommitListener, Lost};

/// Asked before each commit; a reason makes it fail. For tests.
pub(super) type CommitFault = Arc<dyn Fn(u64) -> Option<String> + Send + Sync>;

/// What the committer shares with the store's handles.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) counters: Counters,
    pub(super) failed: watch::Sender<Option<Arc<str>>>,
    pub(super) durable: AtomicU64,
    pub(super) latest: Latest,
}

pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) db: Database,
    pub(super) spaces: Spaces,
    pub(super) chain: Chain,
    pub(super) witness: Witness,
    pub(super) disk: DiskGuard,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) durability: Durability,
    pub(super) fault: Option<CommitFault>,
    pub(super) listeners: Vec<Option<Arc<dyn CommitListener>>>,
    pub(super) group: Group,
    /// How long the last commit of the engine took.
    pub(super) took: Duration,
}

impl Committer {
    /// Commits until the queue is closed and empty, or until a commit fails.
    pub(super) fn run(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        let reason = match ended {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(_) => "the committer panicked".to_owned(),
        };
        self.fail(&Arc::from(reason));
    }

    fn work(&mut self) -> Result<(), String> {
        loop {
            let full = self.disk.full(self.clock.monotonic());
            self.shared.queue.set_disk_full(full);
            match self.shared.queue.take(patience(self.took)) {
                Work::Group(batches, claims) => {
                    if !batches.is_empty() {
                        self.commit(batches)?;
                    }
                    for claim in claims {
                        self.claim(claim);
                    }
                }
                Work::Look => {}
                Work::End => return self.witness.sync().map_err(|error| format!("the witness: {error}")),
            }
        }
    }

    fn commit(&mut self, batches: Vec<Queued>) -> Result<(), String> {
        let count = batches.len();
        let mut touched: Vec<(Shard, Place)> = Vec::with_capacity(count);
        for Queued { shard, place, items, .. } in batches {
            self.group.add(items);
            touched.push((shard, place));
        }
        let link = self.write(count)?;
        // Whoever is told of the group below must find it.
        self.shared.latest.renew(&self.db);
        // A witness that cannot be written only lags; but then the disk is not to be trusted with the next group.
        self.witness.put(link).map_err(|error| format!("the witness cannot be written: {error}"))?;
        if let Some((_, last)) = touched.last() {
            self.shared.durable.store(last.get(), Ordering::Release);
        }
        self.announce(touched);
        Ok(())
    }

    /// Writes the group as one batch of the engine. An error must not be retried: after a failed fsync nobody knows what
    /// the disk holds.
    fn write(&mut self, count: usize) -> Result<Link, String> {
        let mut batch = self.db.batch().durability(Some(match self.durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Os => PersistMode::Buffer,
        }));
        let (mut digest, mut bytes) = (Xxh3::new(), 0);
        for (space, key, value) in self.group.drain() {
            digest.update(&key);
            let keyspace = self.spaces.get(space);
            bytes += key.len();
            if let Some(value) = value {
                digest.update(&value);
                bytes += value.len();
                batch.insert(keyspace, key, value);
            } else {
                batch.remove(keyspace, key);
            }
        }
        let link = self.chain.extend(digest.digest128(), (bytes + 16 * batch.len() + 256) as u64);
        let expired: Vec<_> = self.chain.expire().collect();
        for space in Space::ALL {
            let keyspace = self.spaces.get(space);
            batch.insert(keyspace, Link::key(link.number), link.value());
            for key in &expired {
                batch.remove(keyspace, key.clone());
            }
        }
        let rows = batch.len() as u64;
        let started = self.clock.monotonic();
        if let Some(reason) = self.fault.as_ref().and_then(|fault| fault(link.number)) {
            return Err(reason);
        }
        batch.commit().map_err(|error| format!("a commit failed: {error:?}"))?;
        self.took = self.clock.monotonic().saturating_sub(started);
        let took = self.took;
        self.shared.counters.committed(&Committed { batches: count, rows, bytes: bytes as u64, took });
        Ok(link)
    }

    /// Tells each shard of the group once, of its last place.
    fn announce(&self, mut touched: Vec<(Shard, Place)>) {
        touched.sort_unstable();
        for pair in touched.chunk_by(|a, b| a.0 == b.0) {
            if let Some(&(shard, place)) = pair.last()
                && let Some(Some(listener)) = self.listeners.get(shard.index())
            {
                listener.committed(place);
            }
        }
    }

    fn claim(&mut self, claim: Claiming) {
        let Claiming { shard, epoch, listener, answer } = claim;
        let Some(slot) = self.listeners.get_mut(shard.index()) else { return };
        if let Some(earlier) = slot.replace(listener) {
            earlier.lost(Lost::NotYours);
        }
        let counters = read::counters(&self.db.snapshot(), &self.spaces, shard);
        let claimed = counters
            .map(|counters| Claim { shard, epoch, counters })
            .map_err(|error| ClaimError::Failed(error.to_string()));
        // Whoever claimed may have gone meanwhile; the next claim fences this one.
        let _ = answer.send(claimed);
    }

    fn fail(&mut self, reason: &Arc<str>) {
        tracing::error!(%reason, "the store has failed; nothing more is written");
        self.shared.queue.fail(reason);
        for listener in self.listeners.iter_mut().filter_map(Option::take) {
            listener.lost(Lost::Failed(Arc::clone(reason)));
        }
        self.shared.failed.send_replace(Some(Arc::clone(reason)));
    }
}
