//! Opening the log and its queues, in the background, and closing them in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use denrei_actors::Handle;
use denrei_storage::embedded::Durability;
use denrei_storage::log::{self, LocalLog, Log};
use denrei_storage::shard::Reader;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::options::JobsConfig;
use super::queue::Queue;
use super::retention;
use crate::causes::causes;

/// What jobs stand on.
#[derive(Clone)]
pub(crate) struct Ground {
    /// Where the log lies.
    pub(crate) path: PathBuf,
    /// What a task that was put survives: the same as what a message survives.
    pub(crate) durability: Durability,
    /// The way to the shards.
    pub(crate) runtime: Handle,
    /// Durable rows.
    pub(crate) reader: Arc<dyn Reader>,
    /// What the operator has set.
    pub(crate) options: JobsConfig,
}

/// Where the queues are in their life.
#[derive(Clone)]
pub(super) enum Queues {
    /// The log is being opened.
    Opening,
    /// They run.
    Open(Arc<Vec<Arc<Queue>>>),
    /// The log cannot be used; why.
    Failed(Arc<str>),
    /// The node goes.
    Closed,
}

/// The node's own jobs.
pub(crate) struct Jobs {
    queues: watch::Sender<Queues>,
    stopping: Arc<AtomicBool>,
    opening: Option<JoinHandle<()>>,
}

impl Jobs {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { queues: watch::Sender::new(Queues::Opening), stopping: Arc::default(), opening: None }
    }

    /// Begins to open the log; whoever calls does not wait for it. Must be called within a runtime.
    pub(crate) fn open(&mut self, ground: Ground) {
        let (told, flag) = (self.queues.clone(), Arc::clone(&self.stopping));
        self.opening = Some(tokio::spawn(async move {
            let path = ground.path.clone();
            let now = match open(ground, flag).await {
                Ok(queue) => Queues::Open(Arc::new(vec![Arc::new(queue)])),
                Err(error) => {
                    let reason = format!("{}: {}", path.display(), causes(&error));
                    tracing::error!(reason, "the log of tasks cannot be used; nothing is swept");
                    Queues::Failed(reason.into())
                }
            };
            told.send_replace(now);
        }));
    }

    /// The queues as they are, and as they become.
    pub(super) fn queues(&self) -> watch::Receiver<Queues> {
        self.queues.subscribe()
    }

    /// Ends what is in flight and closes the log. What was not done is done after the next start.
    pub(crate) async fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(opening) = self.opening
            && let Err(error) = opening.await
        {
            tracing::error!(%error, "the log of tasks was not opened in order");
        }
        if let Queues::Open(queues) = self.queues.send_replace(Queues::Closed) {
            for queue in &*queues {
                queue.stop().await;
            }
        }
    }
}

async fn open(ground: Ground, stopping: Arc<AtomicBool>) -> anyhow::Result<Queue> {
    let clock = Arc::clone(ground.runtime.clock());
    let (path, durability) = (ground.path.clone(), ground.durability);
    let opened = tokio::task::spawn_blocking(move || {
        let durability = match durability {
            Durability::Sync => log::Durability::Sync,
            Durability::Os => log::Durability::Os,
        };
        let options = log::EmbeddedOptions { durability, ..log::EmbeddedOptions::default() };
        LocalLog::embedded(&path, clock, &options)
    });
    let log: Arc<dyn Log> = Arc::new(opened.await.context("opening the log panicked")??);
    retention::start(&log, ground, stopping).await
}
