//! Who owns a partition, and what may be committed for it.

use std::time::Duration;

use denrei_storage::log::{Commit, ErrorKind, Event, NewRecord, Offset, Place};

use crate::backends::{Fixture, Member, Seen, on_every_log};

fn commit_of(member: &Member, place: &Place, offset: u64) -> Commit {
    let (offset, epoch) = (Offset(offset), member.owned[place].epoch);
    Commit { place: place.clone(), epoch, offset, metadata: format!("at {}", offset.0) }
}

async fn fill(f: &Fixture, topic: &denrei_storage::log::TopicName, partitions: u32, each: u32) {
    for n in 0..each {
        for partition in 0..partitions {
            f.send(NewRecord::new(topic.clone(), n.to_string()).partition(partition)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_starts_at_the_earliest_and_goes_on_where_it_committed() {
    on_every_log("a_group_starts_at_the_earliest_and_goes_on_where_it_committed", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        fill(&f, &topic, 1, 10).await;
        let mut member = f.join(&topic).await;
        member.own(1).await;
        assert_eq!(
            (member.owned[&place].position, member.owned[&place].committed),
            (Offset(0), false),
            "{}",
            f.name
        );
        member.take(10).await;
        member.consumer.commit(vec![commit_of(&member, &place, 4)]).await.pop().unwrap().unwrap();
        member.consumer.close().await.unwrap();
        let mut next = f.join(&topic).await;
        next.own(1).await;
        let start = &next.owned[&place];
        assert_eq!(
            (start.position, start.committed, &*start.metadata),
            (Offset(4), true, "at 4"),
            "{}",
            f.name
        );
        assert_eq!(next.take(6).await[0].1.offset, Offset(4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_moves_only_after_its_owner_has_polled_again() {
    on_every_log("a_partition_moves_only_after_its_owner_has_polled_again", |f| async move {
        let topic = f.topic(4).await;
        fill(&f, &topic, 4, 5).await;
        let mut first = f.join(&topic).await;
        first.own(4).await;
        let epochs = first.owned.clone();
        let mut second = f.join(&topic).await;
        let revoked = loop {
            tokio::select! {
                event = first.event() => if let Seen::Event(Event::Revoking(places)) = event { break places },
                _ = second.event() => panic!("{}: the second member got something too early", f.name),
            }
        };
        assert_eq!(revoked.len(), 2, "{}", f.name);
        let waited = second.event_within(Duration::from_millis(500)).await;
        assert!(waited.is_none(), "{}: {waited:?}", f.name);
        // They are still the first member's: work in flight ends, and is committed.
        let commits = revoked.iter().map(|place| Commit {
            place: place.clone(),
            epoch: epochs[place].epoch,
            offset: Offset(3),
            metadata: String::new(),
        });
        let commits: Vec<_> = commits.collect();
        assert!(first.consumer.commit(commits).await.iter().all(Result::is_ok), "{}", f.name);
        tokio::select! {
            () = async { loop { first.event().await; } } => {}
            _ = second.own(2) => {}
        }
        for place in &revoked {
            assert_eq!(second.owned[place].position, Offset(3), "{}", f.name);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_partition_that_was_given_away_is_refused() {
    on_every_log("a_commit_of_a_partition_that_was_given_away_is_refused", |f| async move {
        let topic = f.topic(2).await;
        let mut first = f.join(&topic).await;
        first.own(2).await;
        let before = first.owned.clone();
        let mut second = f.join(&topic).await;
        let revoked = loop {
            if let Seen::Event(Event::Revoking(places)) =
                tokio::select! { e = first.event() => e, e = second.event() => e }
            {
                break places;
            }
        };
        let place = revoked[0].clone();
        let epoch = before[&place].epoch;
        let stale = Commit { place: place.clone(), epoch, offset: Offset(7), metadata: String::new() };
        tokio::select! {
            () = async { loop { first.event().await; } } => {}
            () = async { loop { if matches!(second.event().await, Seen::Event(Event::Assigned(_))) { break } } } => {}
        }
        let refused = first.consumer.commit(vec![stale]).await.pop().unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotOwner, "{}", f.name);
        let known = f.log.admin().committed(&f.group(), &place).await.unwrap();
        assert_ne!(known.offset, Some(Offset(7)), "{}", f.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_dropped_leaves_its_partitions_to_the_others() {
    on_every_log("a_member_that_is_dropped_leaves_its_partitions_to_the_others", |f| async move {
        let topic = f.topic(4).await;
        let mut first = f.join(&topic).await;
        first.own(4).await;
        let mut second = f.join(&topic).await;
        tokio::select! {
            () = async { loop { first.event().await; } } => {}
            _ = second.own(2) => {}
        }
        drop(first);
        second.own(4).await;
        fill(&f, &topic, 4, 1).await;
        second.take(4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_group_are_set_only_while_it_has_no_members() {
    on_every_log("offsets_of_a_group_are_set_only_while_it_has_no_members", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        fill(&f, &topic, 1, 9).await;
        let mut member = f.join(&topic).await;
        member.own(1).await;
        member.take(9).await;
        member.consumer.commit(vec![commit_of(&member, &place, 9)]).await.pop().unwrap().unwrap();
        let admin = f.log.admin();
        let refused = admin.reset(&f.group(), &place, Offset(2)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::GroupActive, "{}", f.name);
        member.consumer.close().await.unwrap();
        admin.reset(&f.group(), &place, Offset(2)).await.unwrap();
        assert_eq!(f.join(&topic).await.take(7).await[0].1.offset, Offset(2), "{}", f.name);
    })
    .await;
}
