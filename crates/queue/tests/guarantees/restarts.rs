//! Instances are shut down or dropped, and others take their place.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::SystemClock;
use denrei_queue::testing::{
    AtLeastOnce, DeadLetterOrDone, Guarantee, NoEarlyDelivery, OrderPerKey, SerialPerKey, judge,
};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, LocalLog, Log};

use crate::storm::{History, Storm, Weather};

/// Three instances; each in turn is replaced: the first in order, the second dropped without a word, the third in order.
pub(crate) async fn roll(storm: &Storm, logs: &[Arc<dyn Log>; 3]) -> History {
    let mut instances = Vec::new();
    for log in logs {
        instances.push(storm.instance(log).await);
    }
    let replace = async {
        for (turn, log) in logs.iter().enumerate() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let old = instances.remove(0);
            if turn == 1 {
                drop(old);
            } else {
                old.shutdown().await;
            }
            instances.push(storm.instance(log).await);
        }
    };
    let (sent, ()) = tokio::join!(storm.put(), replace);
    let history = storm.end(sent).await;
    for instance in instances {
        instance.shutdown().await;
    }
    history
}

pub(crate) const FAIR: [&dyn Guarantee; 4] = [&AtLeastOnce, &OrderPerKey, &SerialPerKey, &DeadLetterOrDone];
pub(crate) const ROUGH: [&dyn Guarantee; 4] =
    [&AtLeastOnce, &SerialPerKey, &NoEarlyDelivery, &DeadLetterOrDone];

fn assert_kept(guarantees: &[&dyn Guarantee], history: &History) {
    let broken = judge(guarantees, &history.sent, &history.seen, &history.buried);
    assert!(broken.is_empty(), "{broken:?}");
    let done = history.seen.iter().filter(|run| run.done).count();
    let again = done - history.sent.len().min(done);
    println!("{} tasks, {} runs, {again} done again", history.sent.len(), history.seen.len());
}

async fn on_the_embedded_log(rough: bool) -> History {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let log: Arc<dyn Log> =
        Arc::new(LocalLog::embedded(dir.path(), clock, &EmbeddedOptions::default()).unwrap());
    let storm = Storm::new("embedded", log.clone(), Weather { tasks: 10_000, rough, fault: None }).await;
    roll(&storm, &[log.clone(), log.clone(), log]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_order_survives_restarts() {
    let history = on_the_embedded_log(false).await;
    assert_eq!(history.sent.len(), 10_000);
    assert_kept(&FAIR, &history);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_failures_and_delays_survive_restarts() {
    let history = on_the_embedded_log(true).await;
    assert_kept(&ROUGH, &history);
    assert_eq!(history.buried.len(), 200, "one of fifty fails for ever");
}

async fn on_kafka(test: &str, rough: bool) -> Option<History> {
    let Ok(servers) = std::env::var("DENREI_KAFKA") else {
        println!("SKIPPED {test}: DENREI_KAFKA not set");
        return None;
    };
    let clock = Arc::new(SystemClock::new());
    let log = || {
        Arc::new(KafkaLog::new(KafkaOptions::new(servers.clone()), clock.clone()).unwrap()) as Arc<dyn Log>
    };
    let storm = Storm::new("kafka", log(), Weather { tasks: 10_000, rough, fault: None }).await;
    Some(roll(&storm, &[log(), log(), log()]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka_order_survives_restarts() {
    if let Some(history) = on_kafka("on_kafka_order_survives_restarts", false).await {
        assert_kept(&FAIR, &history);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka_failures_and_delays_survive_restarts() {
    if let Some(history) = on_kafka("on_kafka_failures_and_delays_survive_restarts", true).await {
        assert_kept(&ROUGH, &history);
        assert_eq!(history.buried.len(), 200, "one of fifty fails for ever");
    }
}
