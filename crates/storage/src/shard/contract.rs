//! Writing: claims, batches, tickets.

use std::sync::Arc;

use bytes::Bytes;
use denrei_model::position::{Epoch, Place, RecordNumber};
use denrei_model::row::Change;
use denrei_model::shard::Shard;

use super::read::BoxFuture;

/// One commit of one shard.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Rows to write and remove. Counters and inbox rows are not among them: the backend keeps those.
    pub changes: Vec<Change>,
    /// Records for other shards (or for itself), numbered.
    pub emitted: Vec<Emitted>,
    /// Records of other shards that this batch has applied.
    pub applied: Vec<Applied>,
}

/// A record for a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The shard that is to apply it.
    pub to: Shard,
    /// One more than that of the record before it to the same shard.
    pub number: RecordNumber,
    /// An encoded [`denrei_model::record::Record`].
    pub record: Bytes,
}

/// A record that has been applied, so that it need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The shard that emitted it.
    pub from: Shard,
    /// Its number; the new high-water mark.
    pub number: RecordNumber,
}

/// A place in the store's FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Where. Places of one store are comparable with each other.
    pub place: Place,
}

/// The numbers of a shard, one entry per other shard that has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The last record emitted to each shard.
    pub out: Vec<(Shard, RecordNumber)>,
    /// The last record applied from each shard.
    pub high_water: Vec<(Shard, RecordNumber)>,
}

/// A shard that is now one's own.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which.
    pub shard: Shard,
    /// Under which fence; higher than that of every earlier owner.
    pub epoch: Epoch,
    /// Where its numbers stand.
    pub counters: Counters,
}

/// Why a shard could not be claimed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClaimError {
    /// Another owner was faster; claim again, later.
    #[error("another owner claimed shard {0} at the same time")]
    Contended(Shard),
    /// The backend failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why a batch got no ticket. Nothing of it will be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueError {
    /// The queue is full: shed load.
    #[error("the store's queue is full")]
    Full,
    /// The shard has another owner.
    #[error("the shard is not ours any more")]
    NotYours,
    /// Larger than the backend takes in one commit.
    #[error("a batch of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Hardly any disk left: writes are refused, reads go on.
    #[error("less than {reserve} bytes of disk are left")]
    DiskFull {
        /// What must stay free.
        reserve: u64,
    },
    /// The store has failed; nothing in memory may be shown any more.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
}

/// Why tickets of a shard will not become durable here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The shard has another owner.
    NotYours,
    /// A commit failed. On the embedded store the process must end; nothing in memory may be shown.
    Failed(Arc<str>),
}

/// Told once per group of batches, in order, never concurrently for one shard. Must not block.
pub trait CommitListener: Send + Sync {
    /// Every ticket of this shard up to this place is durable and readable.
    fn committed(&self, up_to: Place);

    /// No further ticket of this claim will become durable.
    fn lost(&self, why: Lost);
}

/// Where shards keep what they decide.
pub trait ShardStore: Send + Sync + 'static {
    /// Takes a shard, fencing every earlier owner. `listener` hears of this claim's tickets.
    ///
    /// # Errors
    /// See [`ClaimError`].
    fn claim(
        &self,
        shard: Shard,
        listener: Arc<dyn CommitListener>,
    ) -> BoxFuture<'_, Result<Claim, ClaimError>>;

    /// Queues one commit. Batches of one shard become durable in the order of these calls. Does not block.
    ///
    /// # Errors
    /// See [`EnqueueError`]; a ticket once given is only lost with the whole claim.
    fn enqueue(&self, shard: Shard, epoch: Epoch, batch: &Batch) -> Result<Ticket, EnqueueError>;

    /// Whether a record may be applied elsewhere once its source holds a ticket, before that is durable: only where no
    /// batch becomes durable before an earlier one does, whatever the shard.
    fn early_apply(&self) -> bool;
}
