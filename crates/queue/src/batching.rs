//! Many tasks at once: by number, or by the time since the first of them.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::processor::{Completion, Processor, Task, TaskError};

/// Runs batches. The answers are in the order of the tasks; a task without an answer is retried.
pub trait BatchProcessor<T>: Send + Sync + 'static {
    /// Runs a batch, never empty.
    fn process(&self, batch: Vec<Task<T>>) -> impl Future<Output = Vec<Result<(), TaskError>>> + Send;
}

impl<T, F, R> BatchProcessor<T> for F
where
    T: Send + 'static,
    F: Fn(Vec<Task<T>>) -> R + Send + Sync + 'static,
    R: Future<Output = Vec<Result<(), TaskError>>> + Send,
{
    fn process(&self, batch: Vec<Task<T>>) -> impl Future<Output = Vec<Result<(), TaskError>>> + Send {
        self(batch)
    }
}

/// When a batch is run. May be changed while it runs, through the [`watch`] it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// With so many tasks. At least 1; the bound on pending tasks must be higher, or batches wait for their linger.
    pub capacity: usize,
    /// So long after its first task came.
    pub linger: Duration,
}

type Item<T> = (Task<T>, Completion);

/// A processor that gathers tasks into batches, and runs one batch at a time.
pub struct Batching<T, P> {
    processor: Arc<P>,
    limits: watch::Receiver<BatchLimits>,
    worker: OnceLock<mpsc::UnboundedSender<Item<T>>>,
}

impl<T, P> fmt::Debug for Batching<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batching").field("limits", &*self.limits.borrow()).finish_non_exhaustive()
    }
}

impl<T: Send + 'static, P: BatchProcessor<T>> Batching<T, P> {
    /// Batches of these limits.
    pub fn new(limits: BatchLimits, processor: P) -> Self {
        Self::dynamic(watch::Sender::new(limits).subscribe(), processor)
    }

    /// Batches of whatever the limits are at the time.
    pub fn dynamic(limits: watch::Receiver<BatchLimits>, processor: P) -> Self {
        Self { processor: Arc::new(processor), limits, worker: OnceLock::new() }
    }
}

impl<T: Send + 'static, P: BatchProcessor<T>> Processor<T> for Batching<T, P> {
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        let completion = task.context.defer();
        let worker = self.worker.get_or_init(|| {
            let (sender, items) = mpsc::unbounded_channel();
            tokio::spawn(run(items, Arc::clone(&self.processor), self.limits.clone()));
            sender
        });
        worker.send((task, completion)).map_err(|_| TaskError::retry("the batches' worker ended"))
    }
}

async fn run<T: Send + 'static, P: BatchProcessor<T>>(
    mut items: mpsc::UnboundedReceiver<Item<T>>,
    processor: Arc<P>,
    limits: watch::Receiver<BatchLimits>,
) {
    while let Some((task, completion)) = items.recv().await {
        let BatchLimits { capacity, linger } = *limits.borrow();
        let (mut tasks, mut completions) = (vec![task], vec![completion]);
        let until = tokio::time::Instant::now() + linger;
        while tasks.len() < capacity.max(1) {
            let Ok(Some((task, completion))) = tokio::time::timeout_at(until, items.recv()).await else {
                break;
            };
            tasks.push(task);
            completions.push(completion);
        }
        // On a task of its own, so that a batch that panics takes the worker with it no more than any other.
        let theirs = Arc::clone(&processor);
        match tokio::spawn(async move { theirs.process(tasks).await }).await {
            Ok(answers) => completions.into_iter().zip(answers).for_each(|(one, answer)| one.end(answer)),
            Err(error) => {
                for completion in completions {
                    completion.failed(TaskError::retry(format_args!("the batch panicked: {error}")));
                }
            }
        }
    }
}
