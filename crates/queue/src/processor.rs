//! What runs a task, and what it may say about it.
//!
//! A processor answers `Ok` (done), or an error that says whether another try can help. Both an error and a panic lead
//! to a retry or to the dead letters; neither completes the task.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use denrei_storage::log::{Header, Offset, Place};
use tokio::sync::mpsc;

use crate::wire::{Metadata, RawTask};

/// Why a task was not done.
#[derive(Debug)]
pub struct TaskError {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
}

/// What is to become of a task that was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Retry,
    RetryAfter(Duration),
    DeadLetter,
}

impl TaskError {
    /// Another try may help: by the retry policy.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self { verdict: Verdict::Retry, reason: reason.to_string() }
    }

    /// Another try may help, not before this delay.
    pub fn retry_after(delay: Duration, reason: impl fmt::Display) -> Self {
        Self { verdict: Verdict::RetryAfter(delay), reason: reason.to_string() }
    }

    /// No other try can help: to the dead letters.
    pub fn fatal(reason: impl fmt::Display) -> Self {
        Self { verdict: Verdict::DeadLetter, reason: reason.to_string() }
    }
}

/// Any error that a processor runs into with `?` may pass.
impl<E: std::error::Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// A task on its way through a processor.
#[derive(Debug)]
pub struct Task<T> {
    /// The content.
    pub value: T,
    /// Everything else.
    pub context: Context,
}

impl<T> Task<T> {
    /// The same task with other content, for the next stage of a pipeline.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Task<U> {
        Task { value: change(self.value), context: self.context }
    }
}

/// Where a task comes from, and how often it was tried.
#[derive(Debug)]
pub struct Context {
    /// The offset of the record that it came with; the same for all tries.
    pub offset: Offset,
    pub(crate) home: Arc<Home>,
    pub(crate) task: Arc<RawTask>,
    pub(crate) slot: u64,
}

/// What all tasks of one assignment of a partition have in common.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) place: Place,
    pub(crate) token: u64,
    pub(crate) deferrals: mpsc::UnboundedSender<Deferral>,
}

/// A task that was deferred came to its end.
#[derive(Debug)]
pub(crate) struct Deferral {
    pub(crate) slot: u64,
    pub(crate) what: DeferralKind,
}

#[derive(Debug)]
pub(crate) enum DeferralKind {
    Started,
    Ended(Result<(), TaskError>),
}

impl Context {
    /// The partition.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.home.place
    }

    /// Fences off earlier owners of the partition: a store that remembers the highest token it has seen, and refuses lower ones,
    /// cannot be written by an owner that was replaced and does not know it yet.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.home.token
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<&Bytes> {
        self.task.key.as_ref()
    }

    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.task.metadata
    }

    /// Headers that its producer set.
    #[must_use]
    pub fn headers(&self) -> &[Header] {
        &self.task.headers
    }

    /// How often the task was tried before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.task.metadata.attempt()
    }

    /// Lets `process` return before the task is done: its key is free for the next task at once, and the task ends when
    /// the handle says so. At most once per task.
    #[must_use = "a handle that is dropped sends the task into a retry"]
    pub fn defer(&self) -> Completion {
        let deferrals = &self.home.deferrals;
        drop(deferrals.send(Deferral { slot: self.slot, what: DeferralKind::Started }));
        Completion { slot: self.slot, deferrals: Some(deferrals.clone()) }
    }
}

/// The end of a deferred task. Dropped without a word, it counts as an error that may pass.
#[derive(Debug)]
pub struct Completion {
    slot: u64,
    deferrals: Option<mpsc::UnboundedSender<Deferral>>,
}

impl Completion {
    /// The task is done.
    pub fn done(self) {
        self.end(Ok(()));
    }

    /// The task is not done.
    pub fn failed(self, error: TaskError) {
        self.end(Err(error));
    }

    /// The task ended like this.
    pub fn end(mut self, result: Result<(), TaskError>) {
        self.send(result);
    }

    fn send(&mut self, result: Result<(), TaskError>) {
        if let Some(deferrals) = self.deferrals.take() {
            drop(deferrals.send(Deferral { slot: self.slot, what: DeferralKind::Ended(result) }));
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.send(Err(TaskError::retry("the task was deferred and then forgotten")));
    }
}

/// Runs tasks. Closures `Fn(Task<T>) -> impl Future` are processors too.
pub trait Processor<T>: Send + Sync + 'static {
    /// Runs a task. While this is awaited, no other task of its key runs.
    fn process(&self, task: Task<T>) -> impl Future<Output = Result<(), TaskError>> + Send;
}

impl<T, F, R> Processor<T> for F
where
    T: Send + 'static,
    F: Fn(Task<T>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), TaskError>> + Send,
{
    fn process(&self, task: Task<T>) -> impl Future<Output = Result<(), TaskError>> + Send {
        self(task)
    }
}

/// A processor that blocks: each task runs on a thread for blocking work.
#[derive(Debug)]
pub struct Blocking<F>(Arc<F>);

impl<F> Blocking<F> {
    /// Runs tasks by this function.
    pub fn new(run: F) -> Self {
        Self(Arc::new(run))
    }
}

impl<T, F> Processor<T> for Blocking<F>
where
    T: Send + 'static,
    F: Fn(Task<T>) -> Result<(), TaskError> + Send + Sync + 'static,
{
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        let run = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || run(task)).await {
            Ok(result) => result,
            Err(error) => Err(TaskError::retry(format_args!("the processor panicked: {error}"))),
        }
    }
}

/// A processor whose tasks each run as a task of the runtime of their own, so that heavy ones of one partition use several cores.
#[derive(Debug)]
pub struct Spawned<P>(Arc<P>);

impl<P> Spawned<P> {
    /// Runs tasks by this processor.
    pub fn new(processor: P) -> Self {
        Self(Arc::new(processor))
    }
}

impl<T: Send + 'static, P: Processor<T>> Processor<T> for Spawned<P> {
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        let processor = Arc::clone(&self.0);
        match tokio::spawn(async move { processor.process(task).await }).await {
            Ok(result) => result,
            Err(error) => Err(TaskError::retry(format_args!("the processor panicked: {error}"))),
        }
    }
}
