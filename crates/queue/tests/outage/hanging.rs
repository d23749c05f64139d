//! A broker that hangs: its process is stopped for longer than sessions last, and then goes on.

use std::time::Duration;

use denrei_queue::Settings;

use crate::broker::Broker;
use crate::ground::{Fate, Ground, answered, busy_for, until};

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
