//! Timers are as durable as records, ordered by when they are due, and one per attempt of a record.

use std::slice::from_ref;

use denrei_model::Timestamp;
use denrei_storage::log::{Offset, Place, TimerChange, TimerId, TimerQuery, TimerRow};

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
        let put = [timer(1, 0, 300), timer(2, 0, 100), timer(3, 1, 200), timer(3, 2, 200)];
        timers.change(&place, Some(epoch), put.map(TimerChange::Put).into()).await.unwrap();
        let again = vec![TimerChange::Put(timer(1, 0, 50)), TimerChange::Delete(timer(2, 0, 0).id)];
        timers.change(&place, Some(epoch), again).await.unwrap();
        let all = timers.list(&place, TimerQuery::first(10)).await.unwrap();
        assert_eq!(all, [timer(1, 0, 50), timer(3, 1, 200), timer(3, 2, 200)], "{}", f.name);
        let query = TimerQuery {
            after: Some((all[0].due, all[0].id)),
            until: Timestamp::from_millis(200),
            ..TimerQuery::first(1)
        };
        assert_eq!(timers.list(&place, query).await.unwrap(), [timer(3, 1, 200)], "{}", f.name);
        let few = TimerQuery { bytes: 2 * all[0].payload.len(), ..TimerQuery::first(10) };
        assert_eq!(
            timers.list(&place, few).await.unwrap(),
            [timer(1, 0, 50)],
            "{}: by what they carry",
            f.name
        );
        let none = TimerQuery { bytes: 0, ..few };
        assert_eq!(timers.list(&place, none).await.unwrap(), [timer(1, 0, 50)], "{}: one at least", f.name);
        let early = TimerQuery { until: Timestamp::from_millis(49), ..TimerQuery::first(9) };
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
        let put = [timer(4, 1, 9), timer(5, 1, 8)].map(TimerChange::Put);
        timers.change(&place, Some(epoch), put.into()).await.unwrap();
        timers.change(&place, Some(epoch), vec![TimerChange::Delete(timer(4, 1, 0).id)]).await.unwrap();
        timers.close(&place, epoch);
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_meanwhile_outlives_the_end_and_the_next_try_of_what_was_there_before() {
    let promise = "what_was_put_meanwhile_outlives_the_end_and_the_next_try_of_what_was_there_before";
    on_every_log(promise, |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        let mut member = f.join(&topic).await;
        member.own(1).await;
        let (epoch, timers) = (member.owned[&place].epoch, f.log.timers(&f.group()));
        timers.open(&place, epoch).await.unwrap();
        let by_owner = |change| timers.change(&place, Some(epoch), vec![change]);
        let by_others = |change| timers.change(&place, None, vec![change]);
        let there = || timers.list(&place, TimerQuery::first(10));
        let carrying = |due, carries: &'static str| TimerRow { payload: carries.into(), ..timer(7, 0, due) };
        let (first, tried) = (carrying(5, "first"), carrying(9, "tried"));
        let (again, moved) = (carrying(5, "again"), carrying(50, "again"));
        by_others(TimerChange::Put(first.clone())).await.unwrap();
        by_owner(TimerChange::Replace(first.mark(), tried.clone())).await.unwrap();
        assert_eq!(there().await.unwrap(), from_ref(&tried), "{}: nothing came in between", f.name);
        by_others(TimerChange::Put(again.clone())).await.unwrap();
        by_owner(TimerChange::Replace(tried.mark(), carrying(20, "tried again"))).await.unwrap();
        by_owner(TimerChange::End(tried.version())).await.unwrap();
        assert_eq!(there().await.unwrap(), from_ref(&again), "{}: another was put", f.name);
        by_others(TimerChange::Replace(again.mark(), moved.clone())).await.unwrap();
        assert_eq!(there().await.unwrap(), from_ref(&moved), "{}: it was moved", f.name);
        by_owner(TimerChange::End(again.version())).await.unwrap();
        by_others(TimerChange::Replace(again.mark(), moved)).await.unwrap();
        assert_eq!(there().await.unwrap(), [], "{}: it ended wherever it was moved", f.name);
        // Whoever reads it all anew finds the same.
        by_others(TimerChange::Put(again.clone())).await.unwrap();
        by_owner(TimerChange::End(tried.version())).await.unwrap();
        timers.close(&place, epoch);
        timers.open(&place, epoch).await.unwrap();
        assert_eq!(there().await.unwrap(), [again], "{}", f.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_was_deleted_does_not_come_back_with_the_next_owner_for_what_its_task_left_behind() {
    let promise =
        "a_timer_that_was_deleted_does_not_come_back_with_the_next_owner_for_what_its_task_left_behind";
    on_every_log(promise, |f| async move {
        let topic = f.topic(1).await;
        let place = Place::new(topic.clone(), 0);
        let mut member = f.join(&topic).await;
        member.own(1).await;
        let (epoch, timers) = (member.owned[&place].epoch, f.log.timers(&f.group()));
        timers.open(&place, epoch).await.unwrap();
        let (first, tried) = (timer(7, 0, 5), timer(7, 0, 9));
        timers.change(&place, None, vec![TimerChange::Put(first.clone())]).await.unwrap();
        timers.change(&place, None, vec![TimerChange::Delete(first.id)]).await.unwrap();
        let next_try = TimerChange::Replace(first.mark(), tried);
        timers.change(&place, Some(epoch), vec![next_try]).await.unwrap();
        timers.close(&place, epoch);
        // Those who only look find none either.
        assert_eq!(timers.list(&place, TimerQuery::first(9)).await.unwrap(), [], "{}", f.name);
        timers.open(&place, epoch).await.unwrap();
        assert_eq!(timers.list(&place, TimerQuery::first(9)).await.unwrap(), [], "{}", f.name);
    })
    .await;
}
