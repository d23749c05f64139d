//! Desks: each person does what they are told one thing after the other, and no more of it waits than may be in flight.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use denrei_model::id::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};

use super::RunError;
use crate::device::LinkError;

/// Something to do, at its turn.
pub(crate) type Errand = Pin<Box<dyn Future<Output = Result<(), LinkError>>>>;

type Drawer = mpsc::UnboundedSender<(Errand, OwnedSemaphorePermit)>;

/// Everybody's desk.
pub(crate) struct Desks {
    permits: Arc<Semaphore>,
    /// Bounded by the permits: whatever lies in a drawer holds one.
    drawers: HashMap<AccountId, Drawer>,
    people: Vec<JoinHandle<Result<(), LinkError>>>,
}

impl Desks {
    pub(crate) fn new(in_flight: usize) -> Self {
        let permits = Arc::new(Semaphore::new(in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        Self { permits, drawers: HashMap::new(), people: Vec::new() }
    }

    /// Waits until one more errand may be handed over.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, RunError> {
        Ok(Arc::clone(&self.permits).acquire_owned().await.map_err(std::io::Error::other)?)
    }

    /// Puts an errand on somebody's desk. Where somebody failed it is dropped: the failure is told at the end.
    pub(crate) fn hand(&mut self, whose: AccountId, permit: OwnedSemaphorePermit, errand: Errand) {
        let people = &mut self.people;
        let drawer = self.drawers.entry(whose).or_insert_with(|| {
            let (drawer, errands) = mpsc::unbounded_channel();
            people.push(spawn_local(work(errands)));
            drawer
        });
        let _ = drawer.send((errand, permit));
    }

    /// Waits until everything is done.
    pub(crate) async fn close(self) -> Result<(), RunError> {
        drop(self.drawers);
        for person in self.people {
            person.await??;
        }
        Ok(())
    }
}

async fn work(mut errands: mpsc::UnboundedReceiver<(Errand, OwnedSemaphorePermit)>) -> Result<(), LinkError> {
    while let Some((errand, permit)) = errands.recv().await {
        errand.await?;
        drop(permit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::LocalSet;
    use tokio::time::{sleep, timeout};

    use super::*;

    fn run(play: impl Future<Output = ()>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        LocalSet::new().block_on(&runtime, play);
    }

    fn noting(name: &'static str, takes: u64, done: &Rc<RefCell<Vec<&'static str>>>) -> Errand {
        let done = Rc::clone(done);
        Box::pin(async move {
            sleep(Duration::from_millis(takes)).await;
            done.borrow_mut().push(name);
            Ok(())
        })
    }

    const ANN: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);

    #[test]
    fn a_person_does_one_thing_after_the_other_and_people_do_not_wait_for_each_other() {
        run(async {
            let (mut desks, done) = (Desks::new(10), Rc::default());
            for (who, name, takes) in [(ANN, "long", 50), (ANN, "short", 1), (BOB, "other", 10)] {
                let permit = desks.permit().await.unwrap();
                desks.hand(who, permit, noting(name, takes, &done));
            }
            desks.close().await.unwrap();
            assert_eq!(*done.borrow(), ["other", "long", "short"]);
        });
    }

    #[test]
    fn no_more_errands_wait_than_may_be_in_flight() {
        run(async {
            let (mut desks, done) = (Desks::new(2), Rc::default());
            for name in ["first", "second"] {
                let permit = desks.permit().await.unwrap();
                desks.hand(ANN, permit, noting(name, 50, &done));
            }
            assert!(timeout(Duration::from_millis(40), desks.permit()).await.is_err());
            assert!(timeout(Duration::from_millis(40), desks.permit()).await.is_ok());
            assert_eq!(*done.borrow(), ["first"]);
        });
    }

    #[test]
    fn a_failure_is_told_at_the_end_and_holds_nobody_up() {
        run(async {
            let mut desks = Desks::new(1);
            for _ in 0..3 {
                let permit = desks.permit().await.unwrap();
                let failing = async { Err(LinkError::LoggedOut("gone".to_owned())) };
                desks.hand(ANN, permit, Box::pin(failing));
            }
            assert!(desks.close().await.is_err());
        });
    }
}
