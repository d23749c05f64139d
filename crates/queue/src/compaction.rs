//! Many tasks of a key as one: what comes within a window is merged, and the merge is run.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::processor::{Completion, Context, Processor, Task, TaskError};

/// What remains of two tasks of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged<T> {
    /// The earlier one.
    Left(T),
    /// The later one.
    Right(T),
    /// Both in one.
    Both(T),
}

impl<T> Merged<T> {
    fn into_value(self) -> T {
        match self {
            Self::Left(value) | Self::Right(value) | Self::Both(value) => value,
        }
    }
}

/// The tasks of a key since its window opened.
struct Window<T> {
    value: T,
    /// The first one's: it stands for all.
    context: Context,
    completions: Vec<Completion>,
}

type Windows<T> = Arc<Mutex<HashMap<Bytes, Window<T>>>>;

/// A processor that merges the tasks of each key within a window, which opens with the first and stays open for the linger.
///
/// The tasks that were absorbed complete when what they were absorbed into has completed; if that fails, each of them is
/// retried. The processor inside must not defer. Tasks without a key pass unmerged.
pub struct Compaction<T, M, P> {
    linger: Duration,
    merge: M,
    processor: Arc<P>,
    windows: Windows<T>,
}

impl<T, M, P> fmt::Debug for Compaction<T, M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compaction").field("linger", &self.linger).finish_non_exhaustive()
    }
}

impl<T, M, P> Compaction<T, M, P>
where
    T: Send + 'static,
    M: Fn(T, T) -> Merged<T> + Send + Sync + 'static,
    P: Processor<T>,
{
    /// Windows of this length; `merge` gets the earlier task and the later one.
    pub fn new(linger: Duration, merge: M, processor: P) -> Self {
        Self { linger, merge, processor: Arc::new(processor), windows: Arc::default() }
    }

    /// Adds a task to the window of its key. True: the window was opened by it.
    fn add(&self, key: &Bytes, task: Task<T>) -> bool {
        let completion = task.context.defer();
        let mut windows = self.windows.lock();
        match windows.remove(key) {
            Some(Window { value, context, mut completions }) => {
                completions.push(completion);
                let value = (self.merge)(value, task.value).into_value();
                windows.insert(key.clone(), Window { value, context, completions });
                false
            }
            None => {
                let window =
                    Window { value: task.value, context: task.context, completions: vec![completion] };
                windows.insert(key.clone(), window);
                true
            }
        }
    }
}

impl<T, M, P> Processor<T> for Compaction<T, M, P>
where
    T: Send + 'static,
    M: Fn(T, T) -> Merged<T> + Send + Sync + 'static,
    P: Processor<T>,
{
    async fn process(&self, task: Task<T>) -> Result<(), TaskError> {
        let Some(key) = task.context.key().cloned() else { return self.processor.process(task).await };
        if self.add(&key, task) {
            let (windows, processor, linger) =
                (Arc::clone(&self.windows), Arc::clone(&self.processor), self.linger);
            tokio::spawn(async move {
                tokio::time::sleep(linger).await;
                flush(&windows, &processor, &key).await;
            });
        }
        Ok(())
    }
}

async fn flush<T: Send + 'static, P: Processor<T>>(windows: &Windows<T>, processor: &Arc<P>, key: &Bytes) {
    let Some(Window { value, context, completions }) = windows.lock().remove(key) else { return };
    let processor = Arc::clone(processor);
    let ended = tokio::spawn(async move { processor.process(Task { value, context }).await }).await;
    let ended = ended.unwrap_or_else(|e| Err(TaskError::retry(format_args!("the processor panicked: {e}"))));
    for completion in completions {
        completion.end(match &ended {
            Ok(()) => Ok(()),
            Err(error) => Err(TaskError { verdict: error.verdict, reason: error.reason.clone() }),
        });
    }
}
