//! What comes in between an administrator's look and the change.

use std::sync::Arc;

use denrei_model::clock::ManualClock;
use denrei_storage::log::{Epoch, LocalLog, LocalOptions, Log as _, Timers, TopicConfig};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::*;

/// Timers for which something comes in between, before each change, as long as there is anything.
struct Between {
    timers: Arc<dyn Timers>,
    comes: Mutex<Vec<TimerChange>>,
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
            let comes = self.comes.lock().pop();
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
    let reason = format!("failed, {}", parked.reason);
    let payload = Parked::new(ParkedKind::Retry, &parked.task(), reason).encode_to_bytes();
    TimerRow { due: at(seconds), payload, ..*row }
}

/// An administrator who finds this timer, and before whose first change another change comes.
async fn between(found: &TimerRow, comes: TimerChange) -> (QueueAdmin, Place) {
    restless(found, vec![comes]).await
}

/// The same, with another change before each, the last one first.
async fn restless(found: &TimerRow, comes: Vec<TimerChange>) -> (QueueAdmin, Place) {
    let log = LocalLog::memory(Arc::new(ManualClock::at(at(0))), LocalOptions::default()).unwrap();
    let place = Place::new("t", 0);
    log.admin().create_topic(&place.topic, TopicConfig::new(1)).await.unwrap();
    let mut admin = QueueAdmin::new(&log, "g");
    admin.timers.change(&place, None, vec![TimerChange::Put(found.clone())]).await.unwrap();
    let comes = Mutex::new(comes);
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

#[tokio::test]
async fn a_timer_that_is_tried_again_and_again_while_it_is_cancelled_is_told_to_be_busy_in_the_end() {
    let first = put(5, "first");
    for (tries, is_cancelled) in [(MOST_ROUNDS - 1, true), (MOST_ROUNDS, false)] {
        let mut row = first.clone();
        let mut comes = Vec::new();
        for n in 0..tries {
            let next = tried(&row, 10 + n as u64);
            comes.push(TimerChange::Replace(row.mark(), next.clone()));
            row = next;
        }
        comes.reverse();
        let (admin, place) = restless(&first, comes).await;
        let cancelled = admin.cancel_timer(&place, first.id).await;
        if is_cancelled {
            assert!(cancelled.unwrap());
            assert_eq!(left(&admin, &place).await, []);
        } else {
            let error = cancelled.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("busy, try again"), "{error}");
            assert_eq!(left(&admin, &place).await, [row], "it is there still");
            assert!(admin.cancel_timer(&place, first.id).await.unwrap());
        }
    }
}

/// Timers to which another is added whenever they are listed.
struct Endless;

impl Timers for Endless {
    fn open<'a>(&'a self, _: &'a Place, _: Epoch) -> BoxFuture<'a, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }

    fn close(&self, _: &Place, _: Epoch) {}

    fn change<'a>(
        &'a self,
        _: &'a Place,
        _: Option<Epoch>,
        _: Vec<TimerChange>,
    ) -> BoxFuture<'a, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }

    fn list<'a>(&'a self, _: &'a Place, query: TimerQuery) -> BoxFuture<'a, Result<Vec<TimerRow>, LogError>> {
        let last = query.after.map_or(0, |(_, id)| id.offset.0);
        let row = TimerRow {
            id: TimerId { offset: Offset(last + 1), attempt: 0 },
            due: at(5),
            payload: Bytes::new(),
        };
        async { Ok(vec![row]) }.boxed()
    }
}

#[tokio::test]
async fn timers_that_come_faster_than_they_are_looked_through_are_told_to_be_too_many() {
    let log = LocalLog::memory(Arc::new(ManualClock::at(at(0))), LocalOptions::default()).unwrap();
    let mut admin = QueueAdmin::new(&log, "g");
    admin.timers = Arc::new(Endless);
    let (place, id) = (Place::new("t", 0), TimerId { offset: Offset(0), attempt: 0 });
    for told in [admin.cancel_timer(&place, id).await, admin.move_timer(&place, id, at(9)).await] {
        let error = told.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("busy, try again"), "{error}");
    }
}
