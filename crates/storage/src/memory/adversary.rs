//! What a test may make a memory store do.

use std::sync::Arc;

use denrei_model::position::{Epoch, Place};
use denrei_model::row::Key;
use denrei_model::shard::Shard;

use super::store::MemoryStore;
use super::world::{Owner, Word, World};
use crate::shard::{EnqueueError, Lost};

impl MemoryStore {
    /// From now on nothing becomes durable by itself.
    pub fn hold(&self) {
        self.lag(usize::MAX);
    }

    /// Everything becomes durable, and from now on at once.
    pub fn release(&self) {
        self.lag(0);
    }

    /// From now on a batch becomes durable when this many have been queued after it.
    pub fn lag(&self, batches: usize) {
        self.change(|world| {
            world.lag = batches;
            world.settle();
        });
    }

    /// How many batches have a ticket and are not durable.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.change(|world| world.queue.len())
    }

    /// Makes the batch with the lowest place durable.
    pub fn commit_next(&self) -> Option<Place> {
        self.change(|world| world.commit_at(0))
    }

    /// Makes the next batch of one shard durable, those of others left behind. `None` where places are the one order
    /// and another shard's batch is before it, or when none waits.
    pub fn commit_next_of(&self, shard: Shard) -> Option<Place> {
        self.change(|world| {
            let index = world.queue.iter().position(|queued| queued.shard == shard)?;
            (index == 0 || !world.options.early_apply).then(|| world.commit_at(index)).flatten()
        })
    }

    /// From now on listeners hear nothing, though batches become durable and readable.
    pub fn hush(&self) {
        self.change(|world| world.silent = true);
    }

    /// Listeners hear what they missed, and from now on everything at once.
    pub fn speak(&self) {
        self.change(|world| world.silent = false);
    }

    /// Another owner takes the shard. Its batches that wait become durable first where places are the one order, and are
    /// gone elsewhere.
    pub fn fence(&self, shard: Shard) {
        self.change(|world| world.fence(shard));
    }

    /// The next batch of an owner is refused so.
    pub fn refuse_next(&self, refusal: EnqueueError) {
        self.change(|world| world.refusal = Some(refusal));
    }

    /// The disk has room for so many batches more, or for any number again.
    pub fn limit_disk(&self, room: Option<usize>) {
        self.change(|world| world.room = room);
    }

    /// The row of this key cannot be read any more.
    pub fn damage(&self, key: Key) {
        self.change(|world| world.damaged.insert(key));
    }

    /// It can be read again.
    pub fn mend(&self, key: &Key) {
        self.change(|world| world.damaged.remove(key));
    }

    /// A commit fails: what waits is lost, listeners hear it, nothing is taken any more.
    pub fn fail(&self, reason: &str) {
        self.change(|world| {
            let reason: Arc<str> = Arc::from(reason);
            world.failed = Some(Arc::clone(&reason));
            world.queue.clear();
            for shard in (0..world.options.shards).map(Shard::new) {
                world.tell(shard, Word::Lost(Lost::Failed(Arc::clone(&reason))));
            }
        });
    }

    /// The process dies with the first `durable` of the waiting batches durable, though nobody was told. The handle given
    /// back is the store as the next process finds it; this one takes and tells nothing any more.
    #[must_use]
    pub fn crash(&self, durable: usize) -> Self {
        let mut left = durable;
        self.crash_keeping(|_, _| {
            let keep = left > 0;
            left = left.saturating_sub(1);
            keep
        })
    }

    /// [`MemoryStore::crash`] where `keep` is asked for each waiting batch whether it is durable. Nothing is after the
    /// first refused batch: of that shard, or of any where places are the one order.
    #[must_use]
    pub fn crash_keeping(&self, mut keep: impl FnMut(Shard, Place) -> bool) -> Self {
        self.change(|world| {
            world.silent = true;
            world.owners.fill(Owner::default());
            world.calls.clear();
            let mut cut: Vec<Shard> = Vec::new();
            let mut index = 0;
            while let Some((shard, place)) = world.queue.get(index).map(|queued| (queued.shard, queued.place))
            {
                let behind = if world.options.early_apply { !cut.is_empty() } else { cut.contains(&shard) };
                if !behind && keep(shard, place) {
                    world.commit_at(index);
                } else {
                    cut.push(shard);
                    index += 1;
                }
            }
            world.queue.clear();
            world.failed = Some(Arc::from("the process has crashed"));
            let epoch = Epoch::new(world.epoch.get().saturating_add(1));
            Self::with(World::new(world.options, Arc::clone(&world.rows), epoch))
        })
    }
}
