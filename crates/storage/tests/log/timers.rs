//! Timers are as durable as records, ordered by when they are due, and one per attempt of a record.

use denrei_model::Timestamp;
use denrei_storage::log::{Offset, Place, TimerId, TimerQuery, TimerRow};

use crate::backends::on_every_log;

fn timer(offset: u64, attempt: u32, due: u64) -> TimerRow {
    let id = TimerId { offset: Offset(offset), attempt };
    TimerRow { id, due: Timestamp::from_millis(due), payload: format!("{offset}/{attempt} at {due}").into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_are_listed_by_when_they_are_due_and_one_per_attempt() {
    on_every_log("timers_are_listed_by_when_they_are_due_and_one_per_attempt", |f| async move {
        let topic = f.topic(2).await;
        let place = Place::new(topic.clone(), 1);
        let mut member = f.join(&topic).await;
        member.own(2).await;
        let epoch = member.owned[&place].epoch;
        let timers = f.log.timers(&f.group());
        timers.open(&place, epoch).await.unwrap();
        let put = vec![timer(1, 0, 300), timer(2, 0, 100), timer(3, 1, 200), timer(3, 2, 200)];
        timers.change(&place, Some(epoch), put, vec![]).await.unwrap();
        let again = vec![timer(1, 0, 50)];
        timers.change(&place, Some(epoch), again, vec![timer(2, 0, 0).id]).await.unwrap();
        let all = timers.list(&place, TimerQuery::first(10)).await.unwrap();
        assert_eq!(all, [timer(1, 0, 50), timer(3, 1, 200), timer(3, 2, 200)], "{}", f.name);
        let query =
            TimerQuery { after: Some((all[0].due, all[0].id)), until: Timestamp::from_millis(200), limit: 1 };
        assert_eq!(timers.list(&place, query).await.unwrap(), [timer(3, 1, 200)], "{}", f.name);
        let early = TimerQuery { after: None, until: Timestamp::from_millis(49), limit: 9 };
        assert_eq!(timers.list(&place, early).await.unwrap(), [], "{}", f.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_owner_finds_the_timers_of_the_one_before() {
    on_every_log("the_next_owner_finds_the_timers_of_the_one_before", |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        let mut member = f.join(&topic).await;
        member.own(1).await;
        let (epoch, timers) = (member.owned[&place].epoch, f.log.timers(&f.group()));
        timers.open(&place, epoch).await.unwrap();
        timers.change(&place, Some(epoch), vec![timer(4, 1, 9), timer(5, 1, 8)], vec![]).await.unwrap();
        timers.change(&place, Some(epoch), vec![], vec![timer(4, 1, 0).id]).await.unwrap();
        timers.close(&place);
        member.consumer.close().await.unwrap();
        let mut next = f.join(&topic).await;
        next.own(1).await;
        let timers = f.log.timers(&f.group());
        timers.open(&place, next.owned[&place].epoch).await.unwrap();
        let found = timers.list(&place, TimerQuery::first(10)).await.unwrap();
        assert_eq!(found, [timer(5, 1, 8)], "{}", f.name);
    })
    .await;
}
