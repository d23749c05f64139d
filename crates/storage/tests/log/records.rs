//! What goes in comes out.

use bytes::Bytes;
use denrei_model::Timestamp;
use denrei_storage::log::{
    ErrorKind, Header, NewRecord, Offset, Partition, Place, Record, Retry, TopicConfig, partition_of,
};

use crate::backends::on_every_log;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_comes_back_with_all_it_carried() {
    on_every_log("a_record_comes_back_with_all_it_carried", |f| async move {
        let topic = f.topic(1).await;
        let mut full =
            NewRecord::new(topic.clone(), &b"value"[..]).key(&b"\xff\xfe not text"[..]).header("a", "1");
        full.headers.push(Header { name: Bytes::from("empty"), value: None });
        full.timestamp = Some(Timestamp::from_millis(1_700_000_004_000));
        let mut bare = NewRecord::new(topic.clone(), Bytes::new());
        bare.value = None;
        f.send(full.clone()).await;
        f.send(bare).await;
        let seen = f.join(&topic).await.take(2).await;
        let (_, first) = &seen[0];
        assert_eq!(first.key, full.key, "{}", f.name);
        assert_eq!(first.value, full.value);
        assert_eq!(first.headers, full.headers);
        assert_eq!(first.timestamp, full.timestamp.unwrap());
        let (_, second) = &seen[1];
        assert_eq!((&second.key, &second.value, second.headers.len()), (&None, &None, 0));
        assert!(second.timestamp > first.timestamp, "the time of the append");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_follow_the_order_of_the_calls() {
    on_every_log("offsets_follow_the_order_of_the_calls", |f| async move {
        let topic = f.topic(1).await;
        let producer = f.log.producer();
        let send = |n: u32| producer.send(NewRecord::new(topic.clone(), n.to_string()));
        let sent: Vec<_> = (0..2_000).map(send).collect();
        for (offset, sent) in (0..).map(Offset).zip(sent) {
            assert_eq!(sent.await.unwrap().offset, offset, "{}", f.name);
        }
        let values: Vec<_> =
            f.join(&topic).await.take(2_000).await.into_iter().map(|(_, r)| r.value).collect();
        assert!(values.iter().enumerate().all(|(n, v)| v.as_deref() == Some(n.to_string().as_bytes())));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_partition_that_kafka_gives_it() {
    on_every_log("a_key_has_the_partition_that_kafka_gives_it", |f| async move {
        let topic = f.topic(8).await;
        for key in ["user-0", "user-1", "a", "", "\u{4f1d}\u{4ee4}"] {
            let placed = f.send(NewRecord::new(topic.clone(), "x").key(key)).await;
            assert_eq!(
                placed.place.partition,
                Partition(partition_of(key.as_bytes(), 8)),
                "{} {key}",
                f.name
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_every_allowed_size_pass_and_larger_ones_are_refused_for_good() {
    let promise = "records_of_every_allowed_size_pass_and_larger_ones_are_refused_for_good";
    on_every_log(promise, |f| async move {
        let topic = f.topic(1).await;
        // Kafka counts its own framing too, so the largest record is tried with room for that.
        let largest = TopicConfig::MAX_RECORD_BYTES - 1024;
        for size in [1, largest] {
            f.send(NewRecord::new(topic.clone(), vec![7_u8; size])).await;
        }
        let above = NewRecord::new(topic.clone(), vec![7_u8; TopicConfig::MAX_RECORD_BYTES + 1]);
        let error = f.log.producer().send(above).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::TooLarge, Retry::Never), "{}", f.name);
        let sizes: Vec<_> = f.join(&topic).await.take(2).await.iter().map(|(_, r)| r.size()).collect();
        assert_eq!(sizes, [1, largest]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_read_holds_no_other_back_and_loses_nothing() {
    on_every_log("a_partition_that_is_not_read_holds_no_other_back_and_loses_nothing", |f| async move {
        let topic = f.topic(2).await;
        let mut member = f.join(&topic).await;
        let quiet = Place::new(topic.clone(), 0);
        member.aside = Some(quiet.clone());
        member.own(2).await;
        for n in 0..10_u32 {
            f.send(NewRecord::new(topic.clone(), n.to_string()).partition(n % 2)).await;
        }
        let loud = member.take(5).await;
        assert!(loud.iter().all(|(place, _)| *place != quiet), "{}", f.name);
        assert!(member.event_within(std::time::Duration::from_millis(300)).await.is_none());
        member.read_aside();
        let values: Vec<_> = member.take(5).await.into_iter().map(|(_, r)| r.value.unwrap()).collect();
        assert_eq!(values, ["0", "2", "4", "6", "8"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_at_once_than_there_is_room_for_but_one_record_at_least() {
    let promise = "no_more_is_read_at_once_than_there_is_room_for_but_one_record_at_least";
    on_every_log(promise, |f| async move {
        let topic = f.topic(1).await;
        // Beyond what the embedded log keeps of the newest, so that the store is read as well.
        for n in 0..30_u8 {
            f.send(NewRecord::new(topic.clone(), vec![n; 100_000])).await;
        }
        let mut member = f.join(&topic).await;
        let place = Place::new(topic.clone(), 0);
        member.aside = Some(place.clone());
        member.own(1).await;
        let mut records = member.take_aside();
        let (mut seen, one) = (Vec::new(), 100_000 + Record::OVERHEAD);
        for (room, most) in [(3 * one, 3), (0, 0), (3 * one - 1, 2), (1, 1)].into_iter().cycle() {
            if seen.len() == 30 {
                break;
            }
            let mut asked = 0;
            let mut answer = || {
                asked += 1;
                room
            };
            let batch = records.next(512, &mut answer).await.unwrap();
            assert!(batch.len() <= most && batch.is_empty() == (most == 0), "{}: {}", f.name, batch.len());
            assert_eq!(asked, 1, "{}: once there are any", f.name);
            seen.extend(batch.iter().map(|record| record.value.as_ref().unwrap()[0]));
        }
        assert_eq!(seen, (0..30).collect::<Vec<u8>>(), "{}", f.name);
    })
    .await;
}
