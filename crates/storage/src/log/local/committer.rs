//! The way to the store: at once (memory), or through one thread that takes whatever is queued as one group.
//!
//! A group is everything that came while the one before was being synced: under load groups grow by themselves, and
//! an idle log answers after one sync.

use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use super::engine::Engine;
use super::job::Job;
use crate::log::{ErrorKind, LogError};

/// What waits for the committer thread.
#[derive(Debug, Default)]
struct Waiting {
    jobs: Vec<Job>,
    bytes: usize,
    closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// Takes jobs in order and has the engine carry them out.
#[derive(Debug)]
pub(super) struct Committer {
    engine: Arc<Engine>,
    /// None: jobs are carried out by the caller, one at a time.
    queue: Option<Arc<Queue>>,
    inline: Mutex<()>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Carries out each job at once.
    pub(super) fn inline(engine: Arc<Engine>) -> Self {
        Self { engine, queue: None, inline: Mutex::new(()), thread: None }
    }

    /// Starts the committer thread.
    #[cfg(feature = "embedded")]
    pub(super) fn threaded(engine: Arc<Engine>) -> Result<Self, LogError> {
        let queue = Arc::new(Queue::default());
        let (theirs, thread_engine) = (Arc::clone(&queue), Arc::clone(&engine));
        let thread = std::thread::Builder::new()
            .name("log-committer".to_owned())
            .spawn(move || run(&theirs, &thread_engine))
            .map_err(|e| LogError::new(ErrorKind::Fatal, e.to_string()))?;
        Ok(Self { engine, queue: Some(queue), inline: Mutex::new(()), thread: Some(thread) })
    }

    pub(super) fn submit(&self, job: Job) {
        let Some(queue) = &self.queue else {
            let _one_at_a_time = self.inline.lock();
            return self.engine.process(vec![job]);
        };
        let mut waiting = queue.waiting.lock();
        let refused = if waiting.closed {
            Some(LogError::closed())
        } else if waiting.bytes > self.engine.options.queue_bytes && matches!(job, Job::Append { .. }) {
            Some(LogError::new(ErrorKind::Full, "too much waits to become durable"))
        } else {
            None
        };
        if let Some(error) = refused {
            drop(waiting);
            return job.refuse(error);
        }
        waiting.bytes += job.size();
        waiting.jobs.push(job);
        drop(waiting);
        queue.wake.notify_one();
    }
}

impl Drop for Committer {
    /// What is queued is still made durable.
    fn drop(&mut self) {
        let Some(queue) = &self.queue else { return };
        queue.waiting.lock().closed = true;
        queue.wake.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the log's committer panicked");
        }
    }
}

#[cfg(feature = "embedded")]
fn run(queue: &Queue, engine: &Engine) {
    let mut swept = engine.clock.monotonic();
    let nap = engine
        .options
        .sweep_every
        .clamp(std::time::Duration::from_millis(10), std::time::Duration::from_secs(60));
    loop {
        let (jobs, closed) = {
            let mut waiting = queue.waiting.lock();
            while waiting.jobs.is_empty() && !waiting.closed {
                if queue.wake.wait_for(&mut waiting, nap).timed_out() {
                    break;
                }
            }
            waiting.bytes = 0;
            (std::mem::take(&mut waiting.jobs), waiting.closed)
        };
        let last = jobs.is_empty() && closed;
        if !jobs.is_empty() {
            engine.process(jobs);
        }
        if last {
            return;
        }
        if engine.clock.monotonic().saturating_sub(swept) >= engine.options.sweep_every {
            engine.process(vec![Engine::sweep_job().0]);
            swept = engine.clock.monotonic();
        }
    }
}
