//! A broker that hangs: its process is stopped for longer than sessions last, and then goes on.

use std::time::Duration;

use denrei_model::clock::Clock;
use denrei_queue::Settings;
use denrei_queue::admin::QueueAdmin;
use denrei_storage::log::{ErrorKind, Offset, Place, TimerQuery};

use crate::broker::Broker;
use crate::ground::{Fate, Ground, PATIENCE, answered, busy_for, until};

/// Longer than the session of a member: the broker gives its partitions away as soon as it goes on.
const HANGS: Duration = Duration::from_secs(15);
const BEFORE: u64 = 800;
const MEANWHILE: u64 = 200;
const AFTERWARDS: u64 = 500;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_loses_no_task_and_nobody_spins_meanwhile() {
    let name = "a_broker_that_hangs_loses_no_task_and_nobody_spins_meanwhile";
    let Some(broker) = Broker::take(name).await else { return };
    let ground = Ground::new(&broker, "hanging", 4, Duration::from_secs(30)).await;
    let settings = Settings { partition_concurrency: 4, ..Settings::default() };
    let subscription = ground.subscribe(settings, |builder| builder).await;
    let done = || ground.seen.lock().done.len();
    let confirmed = || ground.seen.lock().of(|_| true);

    let before = ground.put(0..BEFORE, |_| Fate::Done);
    until("the first tasks are done", || done() >= 100).await;
    let stopped = broker.stop();
    let meanwhile = ground.put(BEFORE..BEFORE + MEANWHILE, |_| Fate::Done);
    let busy = busy_for(HANGS).await;
    let told = confirmed().range(BEFORE..).count();
    drop(stopped);
    assert_eq!(told, 0, "nothing is confirmed by a broker that hangs");
    assert!(busy < 0.5, "{busy:.2} of a core was used while there was nothing to do");

    let last = BEFORE + MEANWHILE..BEFORE + MEANWHILE + AFTERWARDS;
    let afterwards = ground.put(last.clone(), |_| Fate::Done);
    for puts in [before, meanwhile, afterwards] {
        answered(puts).await;
    }
    let confirmed = confirmed();
    assert!(last.clone().all(|number| confirmed.contains(&number)), "puts fail although the broker is back");
    until("all that was confirmed is done", || confirmed.is_subset(&ground.seen.lock().done)).await;
    println!("{} of {} confirmed, all done; {busy:.2} of a core meanwhile", confirmed.len(), last.end);
    subscription.shutdown().await;
}

/// A moment: what is known here waits for no broker.
const MOMENT: Duration = Duration::from_secs(2);
/// How long the log asks a broker that does not answer, and some more.
const GIVES_UP: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_broker_that_hangs_timers_are_listed_and_letters_are_told_to_be_out_of_reach() {
    let name = "beside_a_broker_that_hangs_timers_are_listed_and_letters_are_told_to_be_out_of_reach";
    let Some(broker) = Broker::take(name).await else { return };
    let ground = Ground::new(&broker, "listing", 1, Duration::from_secs(30)).await;
    let subscription = ground.subscribe(Settings::default(), |builder| builder).await;
    let hour = ground.clock.now().plus(Duration::from_secs(3_600)).as_millis();
    answered(ground.put(0..10, |number| if number < 5 { Fate::Delayed(hour) } else { Fate::Hopeless })).await;
    ground.all_committed().await;
    let (admin, place) =
        (QueueAdmin::new(&*ground.log, ground.group.clone()), Place::new(ground.topic.clone(), 0));
    let timers = async || admin.timers(&place, TimerQuery::first(100)).await.unwrap().len();
    let letters = async || admin.dead_letters(&place.topic, 0, Offset(0), 100).await;
    assert_eq!((timers().await, letters().await.unwrap().len()), (5, 5));

    let stopped = broker.stop();
    let listed = tokio::time::timeout(MOMENT, timers()).await.expect("the owner of timers knows them");
    assert_eq!(listed, 5);
    let refused = tokio::time::timeout(GIVES_UP, letters()).await.expect("it is not asked for ever");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable, "none are not the same as no letters");
    drop(stopped);

    let all = async {
        while letters().await.map(|letters| letters.len()).ok() != Some(5) {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("they are listed again");
    assert_eq!(timers().await, 5);
    subscription.shutdown().await;
}
