//! A store that keeps what passes through it.

use std::sync::{Arc, Mutex, PoisonError};

use denrei_model::position::Epoch;
use denrei_model::shard::Shard;
use denrei_storage::embedded::EmbeddedStore;
use denrei_storage::embedded::{Item, encode};
use denrei_storage::shard::{
    Batch, BoxFuture, Claim, ClaimError, CommitListener, EnqueueError, ShardStore, Ticket,
};

/// Passes everything on to the embedded store, and keeps each batch as the engine gets it.
pub(crate) struct Recording {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) batches: Mutex<Vec<Vec<Item>>>,
}

impl ShardStore for Recording {
    fn claim(
        &self,
        shard: Shard,
        listener: Arc<dyn CommitListener>,
    ) -> BoxFuture<'_, Result<Claim, ClaimError>> {
        self.store.claim(shard, listener)
    }

    fn enqueue(&self, shard: Shard, epoch: Epoch, batch: &Batch) -> Result<Ticket, EnqueueError> {
        let items = encode(shard, batch);
        let ticket = self.store.enqueue(shard, epoch, batch)?;
        self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(items);
        Ok(ticket)
    }

    fn early_apply(&self) -> bool {
        self.store.early_apply()
    }
}
