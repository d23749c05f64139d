//! The threads that read, so that no event loop waits for a disk.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
    pub(super) fn start(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (jobs, inbox) = flume::bounded::<Job>(queue);
        for number in 0..threads {
            let inbox = inbox.clone();
            std::thread::Builder::new().name(format!("denrei-read-{number}")).spawn(move || {
                for job in inbox.iter() {
                    job();
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// Runs a read on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A read that panics would panic again: the thread is for the others, and whoever asked is not to ask once more.
            let read = catch_unwind(AssertUnwindSafe(read));
            // Whoever asked may have gone meanwhile.
            let _ =
                answer.send(read.unwrap_or_else(|_| {
                    Err(ReadError::Damaged("reading it made the reader panic".to_owned()))
                }));
        });
        self.jobs.try_send(job).map_err(|_| ReadError::Unavailable("too many reads wait".to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(ReadError::Unavailable("the read was given up".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_panics_harms_no_other() {
        let readers = Readers::start(1, 4).unwrap();
        let given_up = readers.run(|| -> Result<(), ReadError> { panic!("on purpose") }).await;
        assert!(matches!(given_up, Err(ReadError::Damaged(_))), "{given_up:?}");
        assert_eq!(readers.run(|| Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn reads_beyond_the_bound_are_refused() {
        let readers = Readers::start(1, 1).unwrap();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (entered, inside) = std::sync::mpsc::channel();
        let held = async {
            readers
                .run(move || {
                    entered.send(()).unwrap();
                    gate.recv().unwrap();
                    Ok(1)
                })
                .await
        };
        let others = async {
            inside.recv().unwrap();
            let (waits, refused) = futures_util::join!(readers.run(|| Ok(2)), async {
                let refused = readers.run(|| Ok(3)).await;
                open.send(()).unwrap();
                refused
            });
            (waits, refused)
        };
        let (held, (waits, refused)) = futures_util::join!(held, others);
        assert_eq!((held, waits), (Ok(1), Ok(2)));
        assert!(matches!(refused, Err(ReadError::Unavailable(_))), "{refused:?}");
    }
}
