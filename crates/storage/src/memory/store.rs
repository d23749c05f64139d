//! The handle of a memory store: the contract.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use denrei_model::position::{Epoch, RecordNumber};
use denrei_model::shard::Shard;
use parking_lot::Mutex;

use super::world::{Owner, Queued, Rows, World, counters, fetch, inbox};
use crate::shard::{
    Batch, BoxFuture, Claim, ClaimError, CommitListener, EnqueueError, Fetch, Fetched, InboxStore,
    PendingRecord, ReadError, Reader, ShardStore, Snapshot, Ticket,
};

/// What a memory store is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// How many shards it has.
    pub shards: u16,
    /// Whether batches become durable in the one order of their places. If not, one shard may be ahead of another.
    pub early_apply: bool,
    /// How many batches may wait.
    pub queue: usize,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { shards: 256, early_apply: true, queue: 4_096 }
    }
}

/// A store in memory. Batches become durable at once unless it is told otherwise; clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    world: Arc<Mutex<World>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(options: MemoryOptions) -> Self {
        Self::with(World::new(options, Rows::default(), Epoch::ZERO))
    }

    pub(super) fn with(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// Changes the world, then tells the listeners what is to be told, without the lock and in order: whoever is in here
    /// first tells it all, a listener that calls back adds to the end.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world.lock());
        loop {
            let call = {
                let mut world = self.world.lock();
                if world.silent || world.calling {
                    break;
                }
                let Some(call) = world.calls.pop_front() else { break };
                world.calling = true;
                call
            };
            call.make();
            self.world.lock().calling = false;
        }
        result
    }

    fn rows(&self) -> Rows {
        Arc::clone(&self.world.lock().rows)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryOptions::default())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("options", &self.world.lock().options).finish_non_exhaustive()
    }
}

impl ShardStore for MemoryStore {
    fn claim(
        &self,
        shard: Shard,
        listener: Arc<dyn CommitListener>,
    ) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        let claim = self.change(|world| {
            if let Some(reason) = &world.failed {
                return Err(ClaimError::Failed(reason.to_string()));
            }
            if shard.get() >= world.options.shards {
                return Err(ClaimError::Failed(format!("there is no shard {shard}")));
            }
            let epoch = world.fence(shard);
            if let Some(owner) = world.owners.get_mut(shard.index()) {
                *owner = Owner { epoch, listener: Some(listener) };
            }
            Ok(Claim { shard, epoch, counters: counters(&world.rows, shard) })
        });
        Box::pin(ready(claim))
    }

    fn enqueue(&self, shard: Shard, epoch: Epoch, batch: &Batch) -> Result<Ticket, EnqueueError> {
        self.change(|world| {
            if let Some(reason) = &world.failed {
                return Err(EnqueueError::Failed(Arc::clone(reason)));
            }
            let current = world.owners.get(shard.index()).map_or(Epoch::ZERO, |owner| owner.epoch);
            if epoch == Epoch::ZERO || epoch != current {
                return Err(EnqueueError::NotYours);
            }
            if let Some(refusal) = world.refusal.take() {
                return Err(refusal);
            }
            if world.room == Some(0) {
                return Err(EnqueueError::DiskFull { reserve: 0 });
            }
            if world.queue.len() >= world.options.queue {
                return Err(EnqueueError::Full);
            }
            world.room = world.room.map(|room| room - 1);
            let place = world.place.next();
            world.place = place;
            world.queue.push_back(Queued { shard, place, batch: batch.clone() });
            world.settle();
            Ok(Ticket { place })
        })
    }

    fn early_apply(&self) -> bool {
        self.world.lock().options.early_apply
    }
}

struct Moment(Rows);

impl Snapshot for Moment {
    fn fetch(&self, asked: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>> {
        Box::pin(ready(Ok(fetch(&self.0, &asked))))
    }
}

impl Reader for MemoryStore {
    fn fetch(&self, asked: Fetch) -> BoxFuture<'_, Result<Fetched, ReadError>> {
        let world = self.world.lock();
        let read = match asked.keys.iter().find(|key| world.damaged.contains(*key)) {
            Some(key) => Err(ReadError::Damaged(format!("{key:?}"))),
            None => Ok(fetch(&world.rows, &asked)),
        };
        Box::pin(ready(read))
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, ReadError>> {
        let moment: Box<dyn Snapshot> = Box::new(Moment(self.rows()));
        Box::pin(ready(Ok(moment)))
    }
}

impl InboxStore for MemoryStore {
    fn pending(
        &self,
        to: Shard,
        from: Shard,
        after: RecordNumber,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRecord>, ReadError>> {
        let rows = self.rows();
        let records = inbox(&rows, to).filter(|record| record.from == from && record.number > after);
        Box::pin(ready(Ok(records.take(limit).collect())))
    }

    fn sources(&self, to: Shard) -> BoxFuture<'_, Result<Vec<Shard>, ReadError>> {
        let mut sources: Vec<Shard> = inbox(&self.rows(), to).map(|record| record.from).collect();
        sources.dedup();
        Box::pin(ready(Ok(sources)))
    }
}
