//! A broker that is killed and comes back, under a subscription in the midst of its work.

use std::time::Duration;

use denrei_model::clock::Clock as _;
use denrei_queue::Settings;
use denrei_queue::settings::RetryPolicy;

use crate::broker::Broker;
use crate::ground::{Fate, Ground, Seen, answered, busy_for, until};

/// Longer than the session of a member.
const AWAY: Duration = Duration::from_secs(10);
/// Shorter: what was on its way when the broker went is reported as failed.
const DELIVERY: Duration = Duration::from_secs(4);
const RETRIES_AFTER_MS: u64 = 5_000;
/// Some of the delayed tasks are due while the broker is away, some when it is back.
const DUE_MS: std::ops::Range<u64> = 3_000..20_000;
/// Done and committed long before.
const FIRST: u64 = 300;
const BEFORE: u64 = 1_800;
const MEANWHILE: u64 = 200;
const AFTERWARDS: u64 = 300;
const PARTITIONS: u32 = 4;
const PERMITS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_loses_no_task_retry_or_delay_and_nobody_spins_meanwhile() {
    let name = "a_broker_that_is_killed_loses_no_task_retry_or_delay_and_nobody_spins_meanwhile";
    let Some(broker) = Broker::take(name).await else { return };
    let ground = Ground::new(&broker, "killed", PARTITIONS, DELIVERY).await;
    let retry = RetryPolicy { first_ms: RETRIES_AFTER_MS, jitter: 0.0, ..RetryPolicy::default() };
    let settings = Settings { partition_concurrency: PERMITS, retry, ..Settings::default() };
    let subscription = ground.subscribe(settings, |builder| builder).await;
    answered(ground.put(0..FIRST, |_| Fate::Done)).await;
    until("the first tasks are done", || ground.seen.lock().done.len() as u64 == FIRST).await;
    ground.all_committed().await;
    let now = ground.clock.now().as_millis();
    let fate = |number: u64| match number % 3 {
        0 => Fate::Done,
        1 => Fate::Retried,
        _ => Fate::Delayed(now + DUE_MS.start + number * 97 % (DUE_MS.end - DUE_MS.start)),
    };
    let retried = |fate| fate == Fate::Retried;
    let delayed = |fate| matches!(fate, Fate::Delayed(_));

    let before = ground.put(FIRST..BEFORE, fate);
    until("there is work of every kind", || {
        let seen = ground.seen.lock();
        let waits = |number: &u64| seen.began.contains_key(number) && !seen.done.contains(number);
        seen.confirmed.len() as u64 == BEFORE
            && seen.of(retried).iter().filter(|number| waits(number)).count() >= 100
    })
    .await;
    let killed = broker.kill();
    {
        let seen = ground.seen.lock();
        let begun = seen.began.len() as u64;
        assert!(
            begun < FIRST + (BEFORE - FIRST) * 2 / 3,
            "{begun} have begun: the kill came too late to say anything"
        );
        assert!(seen.of(delayed).difference(&seen.done).count() >= 400, "delayed tasks are still to come");
    }
    let meanwhile = ground.put(BEFORE..BEFORE + MEANWHILE, |_| Fate::Done);
    let busy = busy_for(AWAY).await;
    let told = ground.seen.lock().confirmed.range(BEFORE..).count();
    drop(killed);
    assert_eq!(told, 0, "nothing is confirmed by a broker that is not there");
    assert!(busy < 0.5, "{busy:.2} of a core was used while there was nothing to do");

    let last = BEFORE + MEANWHILE..BEFORE + MEANWHILE + AFTERWARDS;
    let afterwards = ground.put(last.clone(), fate);
    for puts in [before, meanwhile, afterwards] {
        answered(puts).await;
    }
    let confirmed = ground.seen.lock().of(|_| true);
    assert!(last.clone().all(|number| confirmed.contains(&number)), "puts fail although the broker is back");
    until("all that was confirmed is done", || confirmed.is_subset(&ground.seen.lock().done)).await;
    ground.all_committed().await;
    subscription.shutdown().await;

    let seen = ground.seen.lock();
    judge(&seen);
    let runs: usize = seen.began.values().map(Vec::len).sum();
    let again = runs - seen.began.len() - seen.of(retried).len();
    // A task that has just ended when its partition is lost, and nothing else: neither what was merely not committed, nor
    // timers that had fired and could not be deleted any more. A retry that could not be written is made again as a whole.
    let (retries, others): (Vec<Fate>, Vec<Fate>) = seen.repeated.iter().partition(|fate| retried(**fate));
    let others = others.len();
    assert!(others <= PARTITIONS as usize * PERMITS, "{others} tasks were done already and ran once more");
    // Its first try and, if that had been written after all, its second too.
    let most = 2 * seen.of(retried).len() + PARTITIONS as usize * PERMITS;
    assert!(again <= most, "{again} tries were made once more");
    println!("{} of {} confirmed, all done; {again} tries made once more", confirmed.len(), last.end);
    println!("of tasks that were done already: {others}, and {} with a retry", retries.len());
    println!("{busy:.2} of a core was used meanwhile");
}

/// None early, none that was committed done again, each that failed tried again.
fn judge(seen: &Seen) {
    for (number, tries) in &seen.began {
        assert!(*number >= FIRST || tries.len() == 1, "{number} was committed, and run {tries:?}");
        match seen.confirmed.get(number).map(|(fate, _)| *fate) {
            Some(Fate::Delayed(due)) => {
                let early = tries.iter().find(|(_, at)| at.as_millis() < due);
                assert!(early.is_none(), "{number} was due at {due} and began at {early:?}");
            }
            Some(Fate::Retried) => {
                assert!(tries.iter().any(|(attempt, _)| *attempt > 0), "{number} was not tried again");
            }
            _ => {}
        }
    }
}
