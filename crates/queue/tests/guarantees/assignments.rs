//! What an owner is told when a partition becomes its own, on logs that others share.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_queue::admin::{QueueAdmin, ResetTo};
use denrei_queue::codec::Text;
use denrei_queue::{Pipeline, Settings, Source, Subscription, Task, TaskClient};
use denrei_storage::log::kafka::{KafkaLog, KafkaOptions};
use denrei_storage::log::{EmbeddedOptions, LocalLog, Log, Place, TopicConfig, TopicName};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(60);
const PARTITIONS: u32 = 16;

/// Each of four owners runs the one task of a partition, which is put back in between. Commits are so frequent that nobody
/// waits for the log undisturbed.
async fn tokens(log: Arc<dyn Log>) -> Vec<u64> {
    let clock = Arc::new(SystemClock::new());
    let topic = TopicName::from(format!("tokens-{}", clock.now().as_millis()));
    let group = format!("{topic}-group");
    log.admin().create_topic(&topic, TopicConfig::new(PARTITIONS)).await.unwrap();
    let source = Source { application: "tokens".to_owned(), instance: "0".to_owned() };
    let client = TaskClient::new(log.producer(), clock.clone(), source, topic.clone(), Text);
    let place: Place = client.put("key", &"task".to_owned()).await.unwrap().place;
    let admin = QueueAdmin::new(&*log, group.clone());
    let (told, mut tokens) = mpsc::unbounded_channel();
    let mut all = Vec::new();
    for _ in 0..4 {
        let told = told.clone();
        let process = move |task: Task<String>| {
            told.send(task.context.token()).unwrap();
            async { Ok(()) }
        };
        let builder = Subscription::builder(log.clone(), clock.clone(), group.clone());
        let builder = builder.topic(topic.clone(), Pipeline::new(Text, process));
        let settings = Settings { commit_interval_ms: 1, ..Settings::default() };
        let subscription = builder.fixed_settings(settings).unwrap().start().await.unwrap();
        let token = tokio::time::timeout(PATIENCE, tokens.recv()).await;
        all.push(token.expect("the partitions are assigned").unwrap());
        subscription.shutdown().await;
        admin.reset(&place, ResetTo::Earliest).await.unwrap();
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_rise_although_offsets_are_reset_on_the_embedded_log() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock::new()));
    let log = LocalLog::embedded(dir.path(), clock, &EmbeddedOptions::default()).unwrap();
    assert_eq!(tokens(Arc::new(log)).await, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_rise_although_offsets_are_reset_on_kafka() {
    let Ok(servers) = std::env::var("DENREI_KAFKA") else {
        println!("SKIPPED tokens_rise_although_offsets_are_reset_on_kafka: DENREI_KAFKA not set");
        return;
    };
    let log = KafkaLog::new(KafkaOptions::new(servers), Arc::new(SystemClock::new())).unwrap();
    assert_eq!(tokens(Arc::new(log)).await, [1, 2, 3, 4]);
}
