//! Work that goes on although whoever waits for it is called away.

use tokio::task::JoinHandle;

use crate::log::{ErrorKind, LogError};

/// What is done for one duty at a time, where waiting for the broker is allowed.
#[derive(Debug)]
pub(super) struct Aside<T> {
    /// The number of the duty, and the work for it.
    work: Option<(u64, JoinHandle<Result<T, LogError>>)>,
}

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self { work: None }
    }
}

impl<T: Send + 'static> Aside<T> {
    /// The result of the work for this duty, which is begun unless it is on its way. Who is called away may ask again, and waits
    /// for the same; what was on its way for another duty is forgotten.
    pub(super) async fn done(
        &mut self,
        duty: u64,
        work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        self.work.take_if(|(of, _)| *of != duty);
        let (_, handle) = self.work.get_or_insert_with(|| (duty, tokio::task::spawn_blocking(work)));
        let done = handle.await;
        self.work = None;
        done.unwrap_or_else(|e| Err(LogError::new(ErrorKind::Fatal, e.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    /// Work that takes until somebody says what comes out.
    fn until_told() -> (mpsc::Sender<u32>, impl FnOnce() -> Result<u32, LogError> + Send + 'static) {
        let (tell, told) = mpsc::channel();
        (tell, move || told.recv().map_err(|_| LogError::closed()))
    }

    fn never() -> Result<u32, LogError> {
        panic!("the work was begun again")
    }

    #[tokio::test]
    async fn who_was_called_away_goes_on_waiting_for_the_same_work() {
        let mut aside = Aside::default();
        let (tell, work) = until_told();
        assert!(aside.done(1, work).now_or_never().is_none());
        assert!(aside.done(1, never).now_or_never().is_none());
        tell.send(7).unwrap();
        assert_eq!(aside.done(1, never).await.unwrap(), 7);
        assert_eq!(aside.done(1, || Ok(8)).await.unwrap(), 8, "what is done is not kept");
    }

    #[tokio::test]
    async fn what_was_begun_for_another_duty_is_forgotten() {
        let mut aside = Aside::default();
        let (tell, work) = until_told();
        assert!(aside.done(1, work).now_or_never().is_none());
        tell.send(7).unwrap();
        assert_eq!(aside.done(2, || Ok(8)).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn what_fails_is_begun_again_by_the_next_who_asks() {
        let mut aside = Aside::default();
        assert!(aside.done(1, || Err::<u32, _>(LogError::closed())).await.is_err());
        assert_eq!(aside.done(1, || Ok(8)).await.unwrap(), 8);
    }
}
