//! Topics that grow, go and come back while a subscription runs.

use denrei_queue::Settings;
use denrei_queue::testing::Bench;
use denrei_storage::log::{NewRecord, Offset, TopicConfig, TopicName};

use crate::recorder::{names, pass, put, recorder};

#[tokio::test(start_paused = true)]
async fn partitions_that_are_added_are_worked_on_and_their_dead_letters_find_a_place() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=a"]).await;
    bench.log.admin().grow_topic(&"t".into(), 3).await.unwrap();
    bench.log.producer().send(NewRecord::new("t", "fatal:b").partition(2)).await.unwrap();
    pass(5).await;
    assert_eq!(names(&seen), ["a", "fatal:b"]);
    assert_eq!(bench.dead_letters(2).await.len(), 1);
    assert_eq!(bench.committed(2).await, Some(Offset(1)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_whose_topic_is_gone_completes_nothing_before_there_is_one_again() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, _) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    let admin = bench.log.admin();
    let letters = TopicName::from("t.bench.dead-letters");
    admin.delete_topic(&letters).await.unwrap();
    // In its place one that takes next to nothing: the letter is refused again and again.
    let tiny = TopicConfig { max_record_bytes: 10, ..TopicConfig::new(1) };
    admin.create_topic(&letters, tiny).await.unwrap();
    put(&bench, &["k=fatal:a", "k=b"]).await;
    pass(60).await;
    assert_eq!(bench.committed(0).await, Some(Offset(0)));
    admin.delete_topic(&letters).await.unwrap();
    pass(60).await;
    assert_eq!(bench.dead_letters(0).await.len(), 1);
    assert_eq!(bench.committed(0).await, Some(Offset(2)));
    subscription.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_deleted_and_made_again_is_read_from_its_beginning() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let subscription = bench.subscribe(pipeline, Settings::default()).await;
    put(&bench, &["k=a", "k=b"]).await;
    pass(3).await;
    bench.log.admin().delete_topic(&"t".into()).await.unwrap();
    pass(3).await;
    bench.log.admin().create_topic(&"t".into(), TopicConfig::new(1)).await.unwrap();
    put(&bench, &["k=c"]).await;
    pass(3).await;
    assert_eq!(names(&seen), ["a", "b", "c"]);
    assert_eq!(bench.committed(0).await, Some(Offset(1)));
    subscription.shutdown().await;
}
