//! The contract for shards: a fenced, ordered, durable journal of effects, and reads of what it left.
//!
//! ```text
//! claim(shard) ──► Claim {epoch, counters}            every earlier owner is fenced
//! enqueue(epoch, Batch) ──► Ticket                    a place in the store's one FIFO; refusal is only possible here
//!        … the backend groups batches; groups are prefixes of the FIFO …
//! CommitListener::committed(up_to)                    durable, readable, published: all tickets up to that place
//! CommitListener::lost(why)                           not yours any more: drop the shard, show nothing
//! ```
//!
//! What a backend promises, and what `conformance` holds it to:
//! * **Atomic**: of a batch all is readable, or nothing; rows, counters and records together.
//! * **Durable before readable, readable before announced**: no read shows what a crash could take back, and who was told
//!   `committed` can read it.
//! * **One FIFO** (backends that say [`ShardStore::early_apply`]): places are given in the order of `enqueue` over all
//!   shards, and no batch is durable before one with a lower place is.
//! * **Fenced**: after `claim` has answered, no batch enqueued under an earlier epoch of that shard becomes durable.
//! * **Numbered**: records that a batch emits carry contiguous numbers per (source, destination); `pending` gives those
//!   above the high-water mark, in order, until a batch of the destination has applied them.

mod contract;
mod read;

pub use contract::{
    Applied, Batch, Claim, ClaimError, CommitListener, Counters, Emitted, EnqueueError, Lost, ShardStore,
    Ticket,
};
pub use read::{BoxFuture, Fetch, Fetched, InboxStore, PendingRecord, ReadError, Reader, Scan, Snapshot};
