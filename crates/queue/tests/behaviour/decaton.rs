//! Beside Decaton: its retry topic is read, and written while its instances are members.

use std::time::Duration;

use denrei_queue::codec::Text;
use denrei_queue::testing::Bench;
use denrei_queue::wire::{Format, Metadata, RawTask};
use denrei_queue::{Settings, Subscription};
use denrei_storage::log::{NewRecord, Offset, Place, TopicConfig};

use crate::recorder::{names, pass, put, recorder};

async fn with_retry_topic() -> Bench {
    let bench = Bench::new("t", 1).await;
    bench.log.admin().create_topic(&"t-retry".into(), TopicConfig::new(1)).await.unwrap();
    bench
}

#[tokio::test(start_paused = true)]
async fn what_decaton_left_on_its_retry_topic_is_run_at_its_time() {
    let bench = with_retry_topic().await;
    let due = denrei_model::Clock::now(&*bench.clock).as_millis() + 20_000;
    let metadata = Metadata {
        retry_count: 1,
        scheduled_time_millis: i64::try_from(due).unwrap(),
        ..Metadata::default()
    };
    let task = RawTask { key: None, value: "again".into(), metadata, headers: Vec::new() };
    let (value, headers) = task.write(Format::Header);
    let record = NewRecord { headers, ..NewRecord::new("t-retry", value) };
    bench.log.producer().send(record).await.unwrap();
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    pass(10).await;
    assert!(names(&seen).is_empty());
    pass(15).await;
    assert_eq!(
        seen.lock().iter().map(|(name, attempt, _)| (name.clone(), *attempt)).collect::<Vec<_>>(),
        [("again".to_owned(), 1)]
    );
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn in_compatibility_mode_retries_are_written_where_decaton_reads_them() {
    let bench = with_retry_topic().await;
    let (pipeline, seen) = recorder();
    let builder = Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    let subscription = builder.topic("t", pipeline).write_retry_topics().start().await.unwrap();
    put(&bench, &["k=fail-once:a"]).await;
    pass(10).await;
    assert_eq!(names(&seen), ["fail-once:a", "fail-once:a"]);
    let records = bench.log.admin().read(&Place::new("t-retry", 0), Offset(0), 9).await.unwrap();
    let task = RawTask::read(&records[0], Format::Header).unwrap();
    assert_eq!((records.len(), task.metadata.retry_count, &*task.value), (1, 1, &b"fail-once:a"[..]));
    assert_eq!(&*task.metadata.source_application_id, "bench");
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn in_compatibility_mode_a_retry_is_no_older_for_the_delay_that_its_task_began_with() {
    let bench = with_retry_topic().await;
    let (pipeline, seen) = recorder();
    let builder = Subscription::builder(bench.log.clone(), bench.clock.clone(), bench.group());
    let settings = Settings { task_ttl_ms: 30_000, ..Settings::default() };
    let builder = builder.topic("t", pipeline).fixed_settings(settings).unwrap();
    let subscription = builder.write_retry_topics().start().await.unwrap();
    let task = "fail-once:a".to_owned();
    bench.client(Text).put_after(Duration::from_secs(100), "k", &task).await.unwrap();
    pass(120).await;
    assert_eq!(names(&seen), ["fail-once:a", "fail-once:a"]);
    subscription.shutdown().await;
}
