//! The side that appends.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{LogError, NewRecord, Offset, Place};

/// Where a record came to lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub place: Place,
    /// The offset in it.
    pub offset: Offset,
}

/// The answer to an append: comes when the record is durable, or will not become so.
pub type Sent = BoxFuture<'static, Result<Placed, LogError>>;

/// Appends records.
pub trait Producer: Send + Sync + 'static {
    /// Queues a record at once, in the order of the calls, whether or not the answer is awaited.
    ///
    /// The queue is bounded; over the bound the answer is [`Full`](super::ErrorKind::Full) and nothing was queued.
    fn send(&self, record: NewRecord) -> Sent;

    /// Waits until all that was queued before is durable or refused.
    fn flush(&self, timeout: Duration) -> BoxFuture<'_, Result<(), LogError>>;
}
