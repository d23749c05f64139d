//! From the bytes of a topic to its processor: decoding, then stages that may change or stop a task, then the processor.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::{Instrument, Span};

use crate::codec::Codec;
use crate::processor::{Context, Processor, Task, TaskError};
use crate::wire::Format;

/// How a task ended, as its partition sees it.
pub(crate) type Ended = Result<(), TaskError>;

/// Runs the tasks of one partition; the answer carries the slot of the task.
pub(crate) type Run = dyn Fn(Context, Span) -> BoxFuture<'static, (u64, Ended)> + Send + Sync;

/// What runs the tasks of one topic.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) format: Format,
    start: Arc<dyn Fn() -> Box<Run> + Send + Sync>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Decodes by this codec and runs by this processor. What cannot be decoded goes to the dead letters.
    pub fn new<T: Send + 'static>(codec: impl Codec<T>, processor: impl Processor<T>) -> Self {
        let both = Arc::new((codec, processor));
        let start = move || -> Box<Run> {
            // Counted by each partition for itself: a count that all share is fought over by all cores, task by task.
            let both = Arc::new(Arc::clone(&both));
            Box::new(move |context, span| {
                let (both, slot) = (Arc::clone(&both), context.slot);
                let run = async move {
                    let (codec, processor) = &**both;
                    let value = codec.decode(&context.task.value);
                    let value =
                        value.map_err(|e| TaskError::fatal(format_args!("cannot be decoded: {e}")))?;
                    processor.process(Task { value, context }).await
                };
                if span.is_disabled() { guarded(slot, run) } else { guarded(slot, run.instrument(span)) }
            })
        };
        Self { format: Format::Header, start: Arc::new(start) }
    }

    /// The topic is written in this format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// What runs the tasks of one partition.
    pub(crate) fn start(&self) -> Box<Run> {
        (self.start)()
    }
}

/// A panic is an error that may pass.
fn guarded(slot: u64, run: impl Future<Output = Ended> + Send + 'static) -> BoxFuture<'static, (u64, Ended)> {
    let guarded = AssertUnwindSafe(run).catch_unwind();
    guarded.map(move |ended| (slot, ended.unwrap_or_else(|panic| panicked(&*panic)))).boxed()
}

fn panicked(panic: &(dyn Any + Send)) -> Ended {
    let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Err(TaskError::retry(format_args!("the processor panicked: {said}")))
}

/// A processor with a stage before it: see [`stage`].
pub struct Staged<S, P, T, U> {
    stage: S,
    processor: P,
    types: std::marker::PhantomData<fn(T) -> U>,
}

impl<S, P, T, U> fmt::Debug for Staged<S, P, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").finish_non_exhaustive()
    }
}

/// Runs `stage` on each task and what it makes of it through `processor`. A stage that answers `None` has done the task.
pub fn stage<S, P, T, U, R>(stage: S, processor: P) -> Staged<S, P, T, U>
where
    S: Fn(Task<T>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<Task<U>>, TaskError>> + Send,
    P: Processor<U>,
{
    Staged { stage, processor, types: std::marker::PhantomData }
}

impl<S, P, T, U, R> Processor<T> for Staged<S, P, T, U>
where
    T: Send + 'static,
    U: Send + 'static,
    S: Fn(Task<T>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<Task<U>>, TaskError>> + Send,
    P: Processor<U>,
{
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        match (self.stage)(task).await? {
            Some(next) => self.processor.process(next).await,
            None => Ok(()),
        }
    }
}
