//! Tasks as large as a record may be, and larger.

use denrei_model::Clock as _;
use denrei_queue::Settings;
use denrei_queue::admin::{NumberedTimer, QueueAdmin};
use denrei_queue::testing::Bench;
use denrei_queue::wire::{Format, METADATA_HEADER, Metadata, RawTask};
use denrei_storage::log::{ErrorKind, Offset, TimerQuery, TopicConfig, TopicName};

use crate::recorder::{names, pass, put, recorder};

/// A timer of a task that makes a record of so many bytes.
fn timer(bench: &Bench, number: u64, bytes: usize) -> NumberedTimer {
    let metadata = Metadata { timestamp_millis: 1_700_000_000_000, ..Metadata::default() };
    // A byte that says what follows, and six for the time.
    let about = METADATA_HEADER.len() + 7;
    let value = format!("fatal:{}", "x".repeat(bytes - about - 6)).into();
    NumberedTimer { number, due: bench.clock.now(), task: RawTask { value, metadata, ..RawTask::default() } }
}

#[tokio::test(start_paused = true)]
async fn a_numbered_task_is_as_large_as_a_record_may_be_and_no_larger() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let admin = QueueAdmin::new(&*bench.log, bench.group());
    let most = TopicConfig::MAX_RECORD_BYTES;
    let both = vec![timer(&bench, 1, most), timer(&bench, 2, most + 1)];
    let refused = admin.put_timers(&bench.place(0), both).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert!(refused.to_string().contains(&format!("timer 2 has {} bytes", most + 1)), "{refused}");
    assert_eq!(admin.timers(&bench.place(0), TimerQuery::first(9)).await.unwrap(), [], "all or none");
    admin.put_timers(&bench.place(0), vec![timer(&bench, 1, most)]).await.unwrap();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    pass(5).await;
    assert_eq!((names(&seen).len(), bench.dead_letters(0).await.len()), (1, 1), "it is buried");
    let redriven = admin.redrive(&bench.place(0), Offset(0), 9, Format::Header).await.unwrap();
    assert_eq!(redriven.tasks, 1, "and put back, although there is room for nothing else");
    pass(5).await;
    assert_eq!((names(&seen).len(), bench.dead_letters(0).await.len()), (2, 2));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_buried_is_kept_and_holds_up_nobody() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let letters = TopicName::from("t.bench.dead-letters");
    let admin = bench.log.admin();
    admin.delete_topic(&letters).await.unwrap();
    let small = TopicConfig { max_record_bytes: 1_000, ..TopicConfig::new(1) };
    admin.create_topic(&letters, small).await.unwrap();
    let large = format!("k=fatal:{}", "x".repeat(2_000));
    put(&bench, &[&large, "k=fatal:small", "l=other"]).await;
    pass(600).await;
    assert_eq!(names(&seen).len(), 3, "each ran, and ran once");
    assert_eq!(bench.dead_letters(0).await.len(), 1);
    assert_eq!(bench.committed(0).await, Some(Offset(0)), "it is not done");
    admin.delete_topic(&letters).await.unwrap();
    admin.create_topic(&letters, TopicConfig::new(1)).await.unwrap();
    pass(60).await;
    let written = bench.dead_letters(0).await;
    assert_eq!(
        written.iter().map(|letter| letter.value.as_ref().unwrap().len()).collect::<Vec<_>>(),
        [2_006]
    );
    assert_eq!((names(&seen).len(), bench.committed(0).await), (3, Some(Offset(3))));
    subscription.shutdown().await;
}
