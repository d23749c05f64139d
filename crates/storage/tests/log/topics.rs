//! Topics that are not there, appear, grow and go.

use denrei_storage::log::{Commit, ErrorKind, Event, NewRecord, Offset, Place, Retry, TopicConfig};

use crate::backends::{Seen, on_every_log};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_appears_later_is_read_then() {
    on_every_log("a_topic_that_appears_later_is_read_then", |f| async move {
        let topic = f.topic_name();
        let error = f.log.producer().send(NewRecord::new(topic.clone(), "x").partition(0)).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::NoTopic, Retry::Later), "{}", f.name);
        assert_eq!(f.log.admin().topic(&topic).await.unwrap(), None);
        let mut member = f.join(&topic).await;
        assert!(member.event_within(std::time::Duration::from_millis(200)).await.is_none());
        f.topic(1).await;
        f.send(NewRecord::new(topic.clone(), "x")).await;
        member.take(1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_are_read_too() {
    on_every_log("partitions_that_are_added_are_read_too", |f| async move {
        let topic = f.topic(1).await;
        let mut member = f.join(&topic).await;
        member.own(1).await;
        let admin = f.log.admin();
        admin.grow_topic(&topic, 3).await.unwrap();
        assert!(admin.grow_topic(&topic, 2).await.is_err(), "{}", f.name);
        member.own(3).await;
        assert_eq!(admin.topic(&topic).await.unwrap().unwrap().partitions, 3);
        f.send(NewRecord::new(topic.clone(), "x").partition(2)).await;
        assert_eq!(member.take(1).await[0].0, Place::new(topic.clone(), 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_and_made_again_starts_anew() {
    on_every_log("a_topic_that_is_deleted_and_made_again_starts_anew", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        for n in 0..5_u32 {
            f.send(NewRecord::new(topic.clone(), n.to_string())).await;
        }
        let mut member = f.join(&topic).await;
        member.take(5).await;
        let epoch = member.owned[&place].epoch;
        let commit = Commit { place: place.clone(), epoch, offset: Offset(5), metadata: String::new() };
        member.consumer.commit(vec![commit]).await.pop().unwrap().unwrap();
        let admin = f.log.admin();
        admin.delete_topic(&topic).await.unwrap();
        while !matches!(member.event().await, Seen::Event(Event::Lost(_) | Event::Revoking(_))) {}
        member.consumer.close().await.unwrap();
        while admin.create_topic(&topic, TopicConfig::new(1)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        f.send(NewRecord::new(topic.clone(), "new")).await;
        let seen = f.join(&topic).await.take(1).await;
        assert_eq!(
            (seen[0].1.offset, seen[0].1.value.as_deref()),
            (Offset(0), Some(&b"new"[..])),
            "{}",
            f.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_offset_was_trimmed_away_starts_at_what_is_left() {
    on_every_log("a_group_whose_offset_was_trimmed_away_starts_at_what_is_left", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        for n in 0..10_u32 {
            f.send(NewRecord::new(topic.clone(), n.to_string())).await;
        }
        let admin = f.log.admin();
        admin.reset(&f.group(), &place, Offset(3)).await.unwrap();
        admin.trim(&place, Offset(6)).await.unwrap();
        let span = admin.watermarks(&place).await.unwrap();
        assert_eq!((span.start, span.end), (Offset(6), Offset(10)), "{}", f.name);
        assert_eq!(f.join(&topic).await.take(4).await[0].1.offset, Offset(6), "{}", f.name);
        assert_eq!(admin.read(&place, Offset(7), 2).await.unwrap()[0].offset, Offset(7), "{}", f.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_offset_lies_beyond_the_end_starts_at_what_is_there() {
    on_every_log("a_group_whose_offset_lies_beyond_the_end_starts_at_what_is_there", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        for n in 0..3_u32 {
            f.send(NewRecord::new(topic.clone(), n.to_string())).await;
        }
        f.log.admin().reset(&f.group(), &place, Offset(100)).await.unwrap();
        let mut member = f.join(&topic).await;
        assert_eq!(member.take(3).await[0].1.offset, Offset(0), "{}", f.name);
        // What comes later is not waited for until it reaches that offset.
        f.send(NewRecord::new(topic.clone(), "3")).await;
        assert_eq!(member.take(1).await[0].1.offset, Offset(3), "{}", f.name);
    })
    .await;
}
