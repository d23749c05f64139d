//! A broker that refuses what is written: a topic takes no record any more.
//!
//! Asking for more copies in sync than there are would not do: since Kafka 4, a topic is content with as many as it has.

use std::collections::BTreeMap;
use std::time::Duration;

use denrei_queue::Settings;
use denrei_queue::settings::RetryPolicy;
use denrei_storage::log::{Offset, Place, TopicConfig, TopicName};

use crate::broker::{Broker, Setting};
use crate::ground::{Fate, Ground, PATIENCE, answered, busy_for, until};

/// So long that each write is tried several times.
const REFUSES: Duration = Duration::from_secs(5);
const WARM_UP: u64 = 10;
const TASKS: u64 = 120;

fn fate(number: u64) -> Fate {
    match number % 3 {
        0 => Fate::Done,
        1 => Fate::Retried,
        _ => Fate::Hopeless,
    }
}

/// How many records the topic holds.
async fn count(ground: &Ground, topic: &TopicName) -> u64 {
    let mut all = 0;
    for place in ground.places() {
        let place = Place::new(topic.clone(), place.partition.0);
        all += ground.log.admin().watermarks(&place).await.unwrap().end.0;
    }
    all
}

/// A subscription whose retries go to `retries`, `{topic}` standing for its topic and `{group}` for its group.
async fn check(test: &str, name: &str, retries: &str, writes_retry_topics: bool) {
    let Some(broker) = Broker::take(test).await else { return };
    let ground = Ground::new(&broker, name, 2, Duration::from_secs(30)).await;
    let retries = retries.replace("{topic}", ground.topic.as_str()).replace("{group}", ground.group.as_str());
    if writes_retry_topics {
        let retries = TopicName::from(retries.as_str());
        ground.log.admin().create_topic(&retries, TopicConfig::new(2)).await.unwrap();
    }
    let retry = RetryPolicy { first_ms: 200, jitter: 0.0, ..RetryPolicy::default() };
    let settings =
        Settings { partition_concurrency: 4, commit_interval_ms: 200, retry, ..Settings::default() };
    let subscription = ground
        .subscribe(
            settings,
            |builder| if writes_retry_topics { builder.write_retry_topics() } else { builder },
        )
        .await;
    let letters = TopicName::from(format!("{}.{}.dead-letters", ground.topic, ground.group));

    // So that every topic is there.
    answered(ground.put(0..WARM_UP, fate)).await;
    let hopeless = |fate| fate == Fate::Hopeless;
    until("the first are done", || {
        let seen = ground.seen.lock();
        seen.of(|fate| !hopeless(fate)).len() == 7 && seen.of(|fate| !hopeless(fate)).is_subset(&seen.done)
    })
    .await;
    ground.all_committed().await;
    assert_eq!(count(&ground, &letters).await, 3, "the first letters are there");

    let topics = [retries.as_str(), letters.as_str()];
    broker.configure(&topics, Setting::Add("max.message.bytes=1"));
    let all = WARM_UP..WARM_UP + TASKS;
    answered(ground.put(all.clone(), fate)).await;
    until("each has begun, and those are done that need nothing else", || {
        let seen = ground.seen.lock();
        all.clone().all(|number| seen.began.contains_key(&number))
            && seen.of(|fate| fate == Fate::Done).is_subset(&seen.done)
    })
    .await;
    let busy = busy_for(REFUSES).await;
    assert!(busy < 0.5, "{busy:.2} of a core was used while there was nothing to do");
    assert_eq!(count(&ground, &letters).await, 3, "letters were written all the same");
    let mut first_open: BTreeMap<Place, Offset> = BTreeMap::new();
    for number in all.clone().filter(|number| fate(*number) != Fate::Done) {
        let seen = ground.seen.lock();
        assert_eq!(seen.began.get(&number).map(Vec::len), Some(1), "{number} was tried again all the same");
        let (_, placed) = seen.confirmed.get(&number).expect("its topic takes what is written");
        let first = first_open.entry(placed.place.clone()).or_insert(placed.offset);
        *first = placed.offset.min(*first);
    }
    for (place, first) in first_open {
        let committed = ground.committed(&place).await;
        assert!(committed <= first, "{place:?}: {first:?} is not done, and {committed:?} was committed");
    }

    broker.configure(&topics, Setting::Remove("max.message.bytes"));
    let confirmed = ground.seen.lock().of(|fate| !hopeless(fate));
    until("those that failed are done", || confirmed.is_subset(&ground.seen.lock().done)).await;
    ground.all_committed().await;
    let hopeless = ground.seen.lock().of(hopeless).len() as u64;
    let written = count(&ground, &letters).await;
    assert!((hopeless..=2 * hopeless).contains(&written), "{hopeless} were given up, {written} letters");
    println!("{TASKS} tasks; {written} letters of {hopeless}; {busy:.2} of a core meanwhile");
    tokio::time::timeout(PATIENCE, subscription.shutdown()).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_parked_or_buried_is_not_completed_until_it_can() {
    let name = "what_cannot_be_parked_or_buried_is_not_completed_until_it_can";
    check(name, "refusing", "{topic}.{group}.timers", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_to_its_retry_topic_is_not_completed_until_it_can() {
    let name = "what_cannot_be_written_to_its_retry_topic_is_not_completed_until_it_can";
    check(name, "refusing-retries", "{topic}-retry", true).await;
}
