//! Changes of timers on their way to the log: one write at a time, of all that came meanwhile.
//!
//! A change that fails completes nothing: it stays, and is tried again.

use std::sync::Arc;
use std::time::Duration;

use denrei_storage::log::{Epoch, ErrorKind, LogError, Place, TimerChange, TimerRow, TimerVersion, Timers};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::work::{Origin, Work};

/// Changes of one write at most, and bytes of what they put, unless a single one has more.
const MAX_CHANGES: usize = 2_000;
const MAX_BYTES: usize = 1 << 20;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// One change: what is put or deleted, and what completes by it.
#[derive(Debug)]
pub(crate) enum Change {
    /// The task waits as this timer. Its origin completes.
    Park(TimerRow, Work),
    /// The task of the timer ended.
    End(TimerVersion),
}

/// What completed by a write.
#[derive(Debug)]
pub(crate) enum Written {
    Parked(TimerRow, Work),
    Ended(TimerVersion),
}

/// How many of these changes, from the first on, are written at once.
fn fitting(changes: &[Change]) -> usize {
    let mut bytes = 0;
    let fits = changes.iter().take(MAX_CHANGES).take_while(|change| {
        bytes += if let Change::Park(row, _) = change { row.payload.len() } else { 0 };
        bytes <= MAX_BYTES
    });
    fits.count().max(1).min(changes.len())
}

/// The changes of one partition's timers.
pub(crate) struct Outbox {
    timers: Arc<dyn Timers>,
    place: Place,
    epoch: Epoch,
    waiting: Vec<Change>,
    flying: Vec<Change>,
    write: Option<BoxFuture<'static, Result<(), LogError>>>,
    backoff: Option<Duration>,
    pushed: u64,
    done: u64,
}

impl Outbox {
    pub(crate) fn new(timers: Arc<dyn Timers>, place: Place, epoch: Epoch) -> Self {
        Self {
            timers,
            place,
            epoch,
            waiting: Vec::new(),
            flying: Vec::new(),
            write: None,
            backoff: None,
            pushed: 0,
            done: 0,
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        self.pushed += 1;
        self.waiting.push(change);
    }

    /// Changes that were ever pushed.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Changes that are durable: the first so many of those pushed.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }

    /// Waits for the write in flight, having started one if there is anything to write; for ever, if not.
    ///
    /// May be dropped and called again.
    pub(crate) async fn written(&mut self) -> Result<Vec<Written>, LogError> {
        if self.write.is_none() {
            if self.flying.is_empty() {
                let rest = self.waiting.split_off(fitting(&self.waiting));
                self.flying = std::mem::replace(&mut self.waiting, rest);
            }
            if self.flying.is_empty() {
                return std::future::pending().await;
            }
            self.write = Some(self.start());
        }
        let Some(write) = &mut self.write else { return std::future::pending().await };
        let result = write.await;
        self.write = None;
        match result {
            Ok(()) => {
                self.backoff = None;
                self.done += self.flying.len() as u64;
                let written = |change| match change {
                    Change::Park(row, work) => Written::Parked(row, work),
                    Change::End(version) => Written::Ended(version),
                };
                Ok(std::mem::take(&mut self.flying).into_iter().map(written).collect())
            }
            Err(error) if error.kind() == ErrorKind::NotOwner => Err(error),
            Err(error) => {
                tracing::warn!(%error, place = ?self.place, "timers could not be written; they will be");
                self.backoff = Some(self.backoff.map_or(FIRST_RETRY, |wait| (wait * 2).min(LAST_RETRY)));
                Ok(Vec::new())
            }
        }
    }

    fn start(&self) -> BoxFuture<'static, Result<(), LogError>> {
        let mut changes = Vec::with_capacity(self.flying.len());
        for change in &self.flying {
            match change {
                Change::Park(row, work) => match work.origin {
                    Origin::Log(_) => changes.push(TimerChange::Put(row.clone())),
                    // Cancelled meanwhile, it does not come back.
                    Origin::Timer(was) => changes.push(TimerChange::Replace(was.mark, row.clone())),
                },
                Change::End(version) => changes.push(TimerChange::End(*version)),
            }
        }
        let (timers, place, epoch, wait) =
            (Arc::clone(&self.timers), self.place.clone(), self.epoch, self.backoff);
        async move {
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            }
            timers.change(&place, Some(epoch), changes).await
        }
        .boxed()
    }
}
