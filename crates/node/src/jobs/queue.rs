//! A queue of the node: a topic, the group that reads it, and the subscription that runs its tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use denrei_queue::admin::{QueueAdmin, ResetTo};
use denrei_queue::{Processor, StartError, State, Subscription, SubscriptionBuilder, Task, TaskError};
use denrei_storage::log::{ErrorKind, GroupId, LogError, Offset, Place, TopicName};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// A queue. Whoever looks after it may do so from any thread.
pub(super) struct Queue {
    pub(super) topic: TopicName,
    pub(super) group: GroupId,
    pub(super) admin: QueueAdmin,
    running: Running,
    builder: Box<dyn Fn() -> SubscriptionBuilder + Send + Sync>,
    /// None once it is stopped for good; else a lock, since a reset stops it for a moment.
    subscription: Mutex<Option<Subscription>>,
    /// Where the subscription lives: the runtime that it was started on, whoever starts it again.
    home: Handle,
}

impl Queue {
    /// Starts a queue, on the runtime of the caller; it can be started again by building another subscription.
    pub(super) async fn start(
        (topic, group): (TopicName, GroupId),
        admin: QueueAdmin,
        running: Running,
        builder: impl Fn() -> SubscriptionBuilder + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let subscription = Mutex::new(Some(builder().start().await?));
        let home = Handle::current();
        Ok(Self { topic, group, admin, running, builder: Box::new(builder), subscription, home })
    }

    /// A partition of its topic, if there is such a one.
    pub(super) async fn place(&self, partition: u32) -> Result<Place, LogError> {
        self.partitions(Some(partition)).await?;
        Ok(Place::new(self.topic.clone(), partition))
    }

    /// The partition asked for, if there is such a one, or all of them.
    pub(super) async fn partitions(&self, asked: Option<u32>) -> Result<Vec<u32>, LogError> {
        let lags = self.admin.lag(&self.topic).await?;
        let all: Vec<u32> = lags.iter().map(|lag| lag.place.partition.0).collect();
        match asked {
            None => Ok(all),
            Some(partition) if all.contains(&partition) => Ok(vec![partition]),
            Some(partition) => {
                let there =
                    format!("{} has no partition {partition}; it has {}, from 0 on", self.topic, all.len());
                Err(LogError::new(ErrorKind::NoPartition, there))
            }
        }
    }

    /// Where its subscription is in its life; none if there is none.
    pub(super) async fn state(&self) -> Option<State> {
        self.subscription.lock().await.as_ref().map(|subscription| *subscription.states().borrow())
    }

    /// Tasks that run at this moment.
    pub(super) fn in_flight(&self) -> usize {
        self.running.0.load(Ordering::Relaxed)
    }

    /// Sets where the group goes on in a partition. Its subscription leaves the group for that moment; the change is brought to
    /// its end even if nobody waits for it any more.
    pub(super) async fn reset(self: &Arc<Self>, place: Place, to: ResetTo) -> Result<Offset, LogError> {
        let queue = Arc::clone(self);
        let change = self.home.spawn(async move { queue.reset_here(&place, to).await });
        change.await.unwrap_or_else(|error| Err(LogError::new(ErrorKind::Fatal, error.to_string())))
    }

    async fn reset_here(&self, place: &Place, to: ResetTo) -> Result<Offset, LogError> {
        let mut subscription = self.subscription.lock().await;
        let Some(before) = subscription.take() else {
            return Err(LogError::new(ErrorKind::Closed, "the queue has stopped"));
        };
        before.shutdown().await;
        let reset = self.admin.reset(place, to).await;
        match (self.builder)().start().await {
            Ok(again) => *subscription = Some(again),
            Err(error) => {
                tracing::error!(%error, topic = %self.topic, "the queue cannot be started again; it stays stopped");
                return Err(LogError::new(ErrorKind::Fatal, error.to_string()));
            }
        }
        reset
    }

    /// Ends what is in flight and leaves the group.
    pub(super) async fn stop(&self) {
        if let Some(subscription) = self.subscription.lock().await.take() {
            subscription.shutdown().await;
        }
    }
}

/// How many tasks of a queue run.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<AtomicUsize>);

/// A processor whose running tasks are counted.
pub(super) struct Counted<P> {
    pub(super) processor: Arc<P>,
    pub(super) running: Running,
}

impl<T: Send + 'static, P: Processor<T>> Processor<T> for Counted<P> {
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        let _one = One::new(&self.running);
        self.processor.process(task).await
    }
}

/// One that runs, until it goes: by its end, or broken off.
struct One(Running);

impl One {
    fn new(running: &Running) -> Self {
        running.0.fetch_add(1, Ordering::Relaxed);
        Self(running.clone())
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
