//! Many tasks of a key as one: what comes within a window is merged, and the merge is run.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

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
    opened: Instant,
    value: T,
    /// The first one's: it stands for all.
    context: Context,
    completions: Vec<Completion>,
}

/// A key is here while somebody tends it: its window, unless it has just been closed and its merge runs.
type Windows<T> = Arc<Mutex<HashMap<Bytes, Option<Window<T>>>>>;

/// A processor that merges the tasks of each key within a window, which opens with the first and stays open for the linger; longer
/// while the merge before it runs, so that a key has one at a time, in order.
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

    /// Adds a task to the window of its key. True: nobody tends the key yet.
    fn add(&self, key: &Bytes, task: Task<T>) -> bool {
        let completion = task.context.defer();
        let mut windows = self.windows.lock();
        let tended = windows.contains_key(key);
        let window = windows.entry(key.clone()).or_default();
        *window = Some(match window.take() {
            Some(Window { opened, value, context, mut completions }) => {
                completions.push(completion);
                let value = (self.merge)(value, task.value).into_value();
                Window { opened, value, context, completions }
            }
            None => Window {
                opened: Instant::now(),
                value: task.value,
                context: task.context,
                completions: vec![completion],
            },
        });
        !tended
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
            tokio::spawn(async move { tend(&windows, &processor, &key, linger).await });
        }
        Ok(())
    }
}

/// Runs the merges of a key, one after the other, until no task of it waits.
async fn tend<T: Send + 'static, P: Processor<T>>(
    windows: &Windows<T>,
    processor: &Arc<P>,
    key: &Bytes,
    linger: Duration,
) {
    while let Some(closes) = closes(windows, key, linger) {
        tokio::time::sleep_until(closes).await;
        let window = windows.lock().get_mut(key).and_then(Option::take);
        if let Some(window) = window {
            run(window, Arc::clone(processor)).await;
        }
    }
}

/// When the window of a key closes. A key without one is tended no longer.
fn closes<T>(windows: &Windows<T>, key: &Bytes, linger: Duration) -> Option<Instant> {
    let mut windows = windows.lock();
    let opened = windows.get(key).and_then(Option::as_ref).map(|window| window.opened);
    if opened.is_none() {
        windows.remove(key);
    }
    opened.map(|opened| opened + linger)
}

async fn run<T: Send + 'static, P: Processor<T>>(window: Window<T>, processor: Arc<P>) {
    let Window { value, context, completions, .. } = window;
    let ended = tokio::spawn(async move { processor.process(Task { value, context }).await }).await;
    let ended = ended.unwrap_or_else(|e| Err(TaskError::retry(format_args!("the processor panicked: {e}"))));
    for completion in completions {
        completion.end(match &ended {
            Ok(()) => Ok(()),
            Err(error) => Err(TaskError { verdict: error.verdict, reason: error.reason.clone() }),
        });
    }
}
