//! What comes in between an administrator's look and the change.

use std::sync::Arc;

use denrei_model::clock::ManualClock;
use denrei_storage::log::{Epoch, LocalLog, LocalOptions, Log as _, Timers, TopicConfig};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::*;

/// Timers for which something comes in between: once, before the first change.
struct Between {
    timers: Arc<dyn Timers>,
    comes: Mutex<Option<TimerChange>>,
}

impl Timers for Between {
    fn open<'a>(&'a self, place: &'a Place, epoch: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        self.timers.open(place, epoch)
    }

    fn close(&self, place: &Place, epoch: Epoch) {
        self.timers.close(place, epoch);
    }

    fn change<'a>(
        &'a self,
        place: &'a Place,
        epoch: Option<Epoch>,
        changes: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            let comes = self.comes.lock().take();
            self.timers.change(place, None, comes.into_iter().collect()).await?;
            self.timers.change(place, epoch, changes).await
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        place: &'a Place,
        query: TimerQuery,
    ) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
        self.timers.list(place, query)
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn put(seconds: u64, value: &'static str) -> TimerRow {
    let task = RawTask { value: value.into(), ..RawTask::default() };
    NumberedTimer { number: 7, due: at(seconds), task }.row().unwrap()
}

/// Another try of what the timer carries.
fn tried(row: &TimerRow, seconds: u64) -> TimerRow {
    let parked = Parked::decode(row.payload.clone()).unwrap();
    let payload = Parked::new(ParkedKind::Retry, &parked.task(), "failed").encode_to_bytes();
    TimerRow { due: at(seconds), payload, ..*row }
}

/// An administrator who finds this timer, and before whose first change another change comes.
async fn between(found: &TimerRow, comes: TimerChange) -> (QueueAdmin, Place) {
    let log = LocalLog::memory(Arc::new(ManualClock::at(at(0))), LocalOptions::default()).unwrap();
    let place = Place::new("t", 0);
    log.admin().create_topic(&place.topic, TopicConfig::new(1)).await.unwrap();
    let mut admin = QueueAdmin::new(&log, "g");
    admin.timers.change(&place, None, vec![TimerChange::Put(found.clone())]).await.unwrap();
    let comes = Mutex::new(Some(comes));
    admin.timers = Arc::new(Between { timers: Arc::clone(&admin.timers), comes });
    (admin, place)
}

async fn left(admin: &QueueAdmin, place: &Place) -> Vec<TimerRow> {
    admin.timers.list(place, TimerQuery::first(10)).await.unwrap()
}

#[tokio::test]
async fn what_is_put_while_another_is_cancelled_stays() {
    for value in ["first", "another"] {
        let (first, again) = (put(5, "first"), put(9, value));
        let (admin, place) = between(&first, TimerChange::Put(again.clone())).await;
        assert!(admin.cancel_timer(&place, first.id).await.unwrap());
        assert_eq!(left(&admin, &place).await, [again]);
    }
}

#[tokio::test]
async fn what_fails_while_it_is_cancelled_is_not_tried_again() {
    let first = put(5, "first");
    let (admin, place) = between(&first, TimerChange::Replace(first.mark(), tried(&first, 9))).await;
    assert!(admin.cancel_timer(&place, first.id).await.unwrap());
    assert_eq!(left(&admin, &place).await, []);
}

#[tokio::test]
async fn what_is_put_while_another_is_moved_is_not_moved_and_that_is_told() {
    let (first, again) = (put(5, "first"), put(9, "another"));
    let (admin, place) = between(&first, TimerChange::Put(again.clone())).await;
    assert!(!admin.move_timer(&place, first.id, at(100)).await.unwrap());
    assert_eq!(left(&admin, &place).await, std::slice::from_ref(&again));
    assert!(admin.move_timer(&place, first.id, at(100)).await.unwrap());
    assert_eq!(left(&admin, &place).await, [TimerRow { due: at(100), ..again }]);
}

#[tokio::test]
async fn a_timer_that_has_ended_while_it_was_moved_does_not_come_back() {
    let first = put(5, "first");
    let (admin, place) = between(&first, TimerChange::End(first.version())).await;
    assert!(admin.move_timer(&place, first.id, at(100)).await.unwrap());
    assert_eq!(left(&admin, &place).await, []);
}
