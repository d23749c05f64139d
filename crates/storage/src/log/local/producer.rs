//! Appending to a local log.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::Shared;
use super::job::{Change, Job};
use crate::log::{ErrorKind, LogError, NewRecord, Producer, Sent};

#[derive(Debug)]
pub(super) struct LocalProducer {
    pub(super) shared: Arc<Shared>,
}

impl Producer for LocalProducer {
    fn send(&self, record: NewRecord) -> Sent {
        let (reply, answer) = oneshot::channel();
        self.shared.committer.submit(Job::Append { record, reply });
        async move { answer.await.unwrap_or_else(|_| Err(LogError::closed())) }.boxed()
    }

    fn flush(&self, timeout: Duration) -> BoxFuture<'_, Result<(), LogError>> {
        let durable = self.shared.change(Change::Barrier);
        async move {
            let late = |_| Err(LogError::new(ErrorKind::Unavailable, "not durable in time"));
            tokio::time::timeout(timeout, durable).await.unwrap_or_else(late)
        }
        .boxed()
    }
}
