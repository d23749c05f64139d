//! Logs that live in this process: one engine, over memory or over fjall.
//!
//! ```text
//! producer, consumer, records, admin, timers   the traits of the log, over a shared handle
//!    │ jobs                                        ▲ reads
//! committer ──► engine.process: plan ──► kv.apply ─┴─► view         (one group of jobs = one atomic batch)
//! group                               who owns what, decided in memory
//! rows, kv, embedded                  what the rows look like, and where they lie
//! ```
//!
//! Nothing is shown in the view before the batch that holds it is durable.

mod admin;
mod committer;
mod consumer;
#[cfg(feature = "embedded")]
pub(super) mod embedded;
mod engine;
mod group;
mod job;
mod kv;
mod plan;
mod producer;
mod records;
mod rows;
mod timers;
mod view;

use std::fmt;
#[cfg(feature = "embedded")]
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use denrei_model::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use self::committer::Committer;
use self::consumer::LocalConsumer;
#[cfg(feature = "embedded")]
use self::embedded::{EmbeddedKv, EmbeddedOptions};
use self::engine::Engine;
pub use self::engine::LocalOptions;
use self::job::{Change, Job};
use self::kv::MemoryKv;
use crate::log::{Admin, Consumer, ConsumerOptions, GroupId, Log, LogError, Producer, Timers};

/// A log of this process. Clones are handles to the same one; the store closes with the last handle.
#[derive(Clone)]
pub struct LocalLog {
    shared: Arc<Shared>,
}

/// What all handles, producers and consumers of one log share.
#[derive(Debug)]
struct Shared {
    committer: Committer,
    engine: Arc<Engine>,
    members: AtomicU64,
}

impl fmt::Debug for LocalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLog").finish_non_exhaustive()
    }
}

impl LocalLog {
    /// A log in memory: gone with the process, durable at once. Runs on any clock.
    ///
    /// # Errors
    /// None in practice; the engine is the same as that of a log on disk.
    pub fn memory(clock: Arc<dyn Clock>, options: LocalOptions) -> Result<Self, LogError> {
        let engine = Arc::new(Engine::open(Box::new(MemoryKv::default()), clock, options)?);
        Ok(Self::over(Committer::inline(Arc::clone(&engine)), engine))
    }

    #[cfg(feature = "embedded")]
    /// A log in a directory, which is created if it is not there.
    ///
    /// # Errors
    /// If the directory cannot be used, or what it holds is damaged.
    pub fn embedded(path: &Path, clock: Arc<dyn Clock>, options: &EmbeddedOptions) -> Result<Self, LogError> {
        let kv = Box::new(EmbeddedKv::open(path, options)?);
        let engine = Arc::new(Engine::open(kv, clock, options.log)?);
        Ok(Self::over(Committer::threaded(Arc::clone(&engine))?, engine))
    }

    fn over(committer: Committer, engine: Arc<Engine>) -> Self {
        Self { shared: Arc::new(Shared { committer, engine, members: AtomicU64::new(0) }) }
    }

    /// Drops what is past its retention now, rather than when the embedded log next looks by itself.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sweep(&self) -> Result<(), LogError> {
        let (job, answer) = Engine::sweep_job();
        self.shared.committer.submit(job);
        answer.await.unwrap_or_else(|_| Err(LogError::closed()))
    }
}

impl Shared {
    /// Has the committer make a change; the answer comes when it is durable.
    fn change(&self, change: Change) -> BoxFuture<'static, Result<(), LogError>> {
        let (reply, answer) = oneshot::channel();
        self.committer.submit(Job::Change { change, reply });
        async move { answer.await.unwrap_or_else(|_| Err(LogError::closed())) }.boxed()
    }
}

impl Log for LocalLog {
    fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(producer::LocalProducer { shared: Arc::clone(&self.shared) })
    }

    fn join(&self, options: ConsumerOptions) -> BoxFuture<'_, Result<Box<dyn Consumer>, LogError>> {
        let member = group::MemberId(self.shared.members.fetch_add(1, Ordering::Relaxed));
        let consumer = LocalConsumer::join(Arc::clone(&self.shared), member, options);
        async move { Ok(Box::new(consumer) as Box<dyn Consumer>) }.boxed()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(admin::LocalAdmin { shared: Arc::clone(&self.shared) })
    }

    fn timers(&self, group: &GroupId) -> Arc<dyn Timers> {
        Arc::new(timers::LocalTimers { shared: Arc::clone(&self.shared), group: group.clone() })
    }
}
