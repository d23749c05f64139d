//! The threads that read, so that no event loop waits for a disk.

use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::shard::ReadError;

type Job = Box<dyn FnOnce() + Send>;

/// A bounded queue in front of a few threads.
#[derive(Clone)]
pub(super) struct Readers {
    jobs: flume::Sender<Job>,
}

impl Readers {
    /// Starts the threads; they end when the last handle has gone.
    pub(super) fn start(threads: usize, queue: usize) -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (jobs, inbox) = flume::bounded::<Job>(queue);
        let handles = (0..threads).map(|number| {
            let inbox = inbox.clone();
            std::thread::Builder::new().name(format!("denrei-read-{number}")).spawn(move || {
                for job in inbox.iter() {
                    job();
                }
            })
        });
        Ok((Self { jobs }, handles.collect::<Result<_, _>>()?))
    }

    /// Runs a read on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have gone meanwhile.
            let _ = answer.send(read());
        });
        self.jobs.try_send(job).map_err(|_| ReadError::Unavailable("too many reads wait".to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(ReadError::Unavailable("the read was given up".to_owned())))
    }
}
