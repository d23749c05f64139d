//! What the routes work with.

use std::sync::Arc;
use std::time::Duration;

use denrei_gateway::auth::AdminToken;
use denrei_gateway::problem::{Code, Problem};
use serde::Deserialize;
use tokio::sync::watch;

use crate::jobs::open::{Jobs, Queues};
use crate::jobs::queue::Queue;

/// When it is worth asking again while the log is being opened.
const OPENING: Duration = Duration::from_secs(1);

/// The queues, for whoever has the admin token. Shared by the workers of the admin port; cheap to clone.
#[derive(Clone)]
pub(crate) struct QueuesAdmin {
    queues: watch::Receiver<Queues>,
    pub(super) token: Option<AdminToken>,
}

/// Which queue a path names.
#[derive(Deserialize)]
pub(super) struct Named {
    topic: String,
    group: String,
}

impl QueuesAdmin {
    /// Looks after these jobs.
    pub(crate) fn new(jobs: &Jobs, token: Option<AdminToken>) -> Self {
        Self { queues: jobs.queues(), token }
    }

    /// All queues.
    pub(super) fn all(&self) -> Result<Arc<Vec<Arc<Queue>>>, Problem> {
        let unavailable = |detail: &str| Problem::new(Code::Unavailable).detail(detail);
        match &*self.queues.borrow() {
            Queues::Open(queues) => Ok(Arc::clone(queues)),
            Queues::Opening => Err(unavailable("the log of tasks is being opened").retry_after(OPENING)),
            Queues::Failed(reason) => Err(unavailable(reason)),
            Queues::Closed => Err(unavailable("the node stops")),
        }
    }

    /// Has `/metrics` show how far each queue is behind; nothing while none is open.
    pub(crate) async fn record_lag(&self) {
        let Ok(queues) = self.all() else { return };
        for queue in &*queues {
            if let Err(error) = queue.admin.record_lag(&queue.topic).await {
                tracing::debug!(%error, topic = %queue.topic, "the lag cannot be told");
            }
        }
    }

    /// The queue of this topic and group.
    pub(super) fn find(&self, named: &Named) -> Result<Arc<Queue>, Problem> {
        let Named { topic, group } = named;
        let all = self.all()?;
        let found = all.iter().find(|queue| queue.topic.as_str() == topic && queue.group.as_str() == group);
        found.map(Arc::clone).ok_or_else(|| {
            Problem::new(Code::NotFound).detail(format!("no group {group} reads a topic {topic} here"))
        })
    }
}
