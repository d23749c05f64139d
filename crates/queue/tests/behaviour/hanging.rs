//! What is listed while the log hangs: it comes late, and right.

use std::sync::Arc;
use std::time::Duration;

use denrei_queue::admin::QueueAdmin;
use denrei_queue::codec::Text;
use denrei_queue::testing::{Bench, HangingLog};
use denrei_queue::{Settings, Subscription};
use denrei_storage::log::{Offset, TimerQuery, TopicName};

use crate::recorder::{names, pass, put, recorder};

#[tokio::test(start_paused = true)]
async fn timers_and_letters_that_are_listed_while_the_log_hangs_come_when_it_goes_on_and_none_is_missing() {
    let bench = Bench::new("t", 1).await;
    let (pipeline, seen) = recorder();
    let log = Arc::new(HangingLog::new(bench.log.clone()));
    let builder = Subscription::builder(log.clone(), bench.clock.clone(), bench.group()).topic("t", pipeline);
    let builder = builder.fixed_settings(Settings { max_pending_records: 1, ..Settings::default() }).unwrap();
    let subscription = builder.start().await.unwrap();
    for n in 0..3 {
        put(&bench, &[&format!("k{n}=fatal:{n}")]).await;
        bench.client(Text).put_after(Duration::from_secs(7_200), "k", &format!("later {n}")).await.unwrap();
    }
    pass(5).await;
    let admin = QueueAdmin::new(&*log, bench.group());
    let (place, topic) = (bench.place(0), TopicName::from("t"));
    let timers = async || admin.timers(&place, TimerQuery::first(100)).await.unwrap().len();
    let letters = async || admin.dead_letters(&topic, 0, Offset(0), 100).await.unwrap().len();
    assert_eq!((timers().await, letters().await), (3, 3));

    log.hang();
    put(&bench, &["k=meanwhile", "k=fatal:meanwhile"]).await;
    let given_up = tokio::time::timeout(Duration::from_secs(60), async { (timers().await, letters().await) });
    assert!(given_up.await.is_err(), "nothing is told that is not known");
    let listed = async { tokio::join!(timers(), letters()) };
    let goes_on = async {
        pass(60).await;
        let ran = names(&seen);
        log.go_on();
        ran
    };
    let (listed, ran) = tokio::join!(listed, goes_on);
    // What the partition does then may come before the answer.
    assert!(listed.0 == 3 && (3..=4).contains(&listed.1), "{listed:?}");
    assert!((3..=4).contains(&ran.len()), "one was on its way to be read, and no other: {ran:?}");
    pass(5).await;
    assert_eq!((timers().await, letters().await), (3, 4));
    assert_eq!(names(&seen)[3..], ["meanwhile", "fatal:meanwhile"]);
    assert_eq!(bench.committed(0).await, Some(Offset(8)));
    subscription.shutdown().await;
}
