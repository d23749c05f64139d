//! Each promise can be seen to fail: broken on purpose, it is noticed.

use std::collections::BTreeSet;
use std::sync::Arc;

use denrei_model::clock::SystemClock;
use denrei_queue::testing::{Fault, judge};
use denrei_storage::log::{LocalLog, LocalOptions, Log};

use crate::restarts::{FAIR, ROUGH};
use crate::storm::{Storm, Weather};

/// The promises that are found broken under this fault.
async fn broken(fault: Fault, rough: bool) -> BTreeSet<&'static str> {
    let clock = Arc::new(SystemClock::new());
    let log: Arc<dyn Log> = Arc::new(LocalLog::memory(clock, LocalOptions::default()).unwrap());
    let storm = Storm::new("fault", log.clone(), Weather { tasks: 2_000, rough, fault: Some(fault) }).await;
    let instance = storm.instance(&log).await;
    let sent = storm.put().await;
    let history = storm.end(sent).await;
    instance.shutdown().await;
    let promises = if rough { &ROUGH } else { &FAIR };
    judge(promises, &history.sent, &history.seen, &history.buried).into_iter().map(|v| v.guarantee).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_that_completes_breaks_at_least_once() {
    assert_eq!(broken(Fault::CompleteFailed, true).await, BTreeSet::from(["at least once"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_forgotten_break_serial_per_key() {
    assert_eq!(broken(Fault::ForgetKeys, false).await, BTreeSet::from(["serial per key"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_step_back_break_order_per_key() {
    assert_eq!(broken(Fault::Shuffle, false).await, BTreeSet::from(["order per key"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_that_fire_early_break_no_early_delivery() {
    assert_eq!(broken(Fault::FireEarly, true).await, BTreeSet::from(["no early delivery"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_done_and_buried_breaks_dead_letter_or_done() {
    assert_eq!(broken(Fault::BuryDone, true).await, BTreeSet::from(["dead letter or done"]));
}
