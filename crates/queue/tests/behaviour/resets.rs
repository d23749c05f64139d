//! Offsets that are set by hand while a member remembers how far it had come.

use std::sync::Arc;

use denrei_model::Clock;
use denrei_queue::testing::Bench;
use denrei_queue::{Settings, Subscription};
use denrei_storage::log::{
    Admin, Assigned, Commit, Consumer, ConsumerOptions, Epoch, Event, GroupId, Log, LogError, Offset, Place,
    Producer, RESET_MARK, Record, Records, Room, Timers,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::recorder::{names, pass, put, recorder};

/// A log whose one member is told what the test says, whatever the group is.
struct Told {
    log: Arc<dyn Log>,
    events: Mutex<Option<mpsc::UnboundedReceiver<Event>>>,
    commits: Arc<Mutex<Vec<Commit>>>,
}

struct Member {
    admin: Arc<dyn Admin>,
    events: mpsc::UnboundedReceiver<Event>,
    commits: Arc<Mutex<Vec<Commit>>>,
    position: Offset,
}

/// All records of a partition that are there, from an offset on.
struct FromHere(Arc<dyn Admin>, Place, Offset);

impl Log for Told {
    fn producer(&self) -> Arc<dyn Producer> {
        self.log.producer()
    }

    fn join(&self, _: ConsumerOptions) -> BoxFuture<'_, Result<Box<dyn Consumer>, LogError>> {
        let (events, commits) = (self.events.lock().take().expect("it has one member"), self.commits.clone());
        let member = Member { admin: self.log.admin(), events, commits, position: Offset(0) };
        async move { Ok(Box::new(member) as Box<dyn Consumer>) }.boxed()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.log.admin()
    }

    fn timers(&self, group: &GroupId) -> Arc<dyn Timers> {
        self.log.timers(group)
    }
}

impl Consumer for Member {
    fn poll(&mut self) -> BoxFuture<'_, Result<Event, LogError>> {
        async {
            let Some(event) = self.events.recv().await else { return std::future::pending().await };
            if let Event::Assigned(all) = &event {
                self.position = all[0].position;
            }
            Ok(event)
        }
        .boxed()
    }

    fn commit(&mut self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Result<(), LogError>>> {
        let answers = vec![Ok(()); commits.len()];
        self.commits.lock().extend(commits);
        async move { answers }.boxed()
    }

    fn records(&mut self, place: &Place) -> Option<Box<dyn Records>> {
        Some(Box::new(FromHere(self.admin.clone(), place.clone(), self.position)))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), LogError>> {
        async { Ok(()) }.boxed()
    }
}

impl Records for FromHere {
    fn next<'a>(&'a mut self, most: usize, _: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        async move {
            let records = self.0.read(&self.1, self.2, most).await?;
            let Some(last) = records.last() else { return std::future::pending().await };
            self.2 = last.offset.next();
            Ok(records)
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_gets_its_partition_back_goes_on_where_it_was_unless_the_offset_was_set_meanwhile() {
    let bench = Bench::new("t", 1).await;
    let (tell, events) = mpsc::unbounded_channel();
    let commits: Arc<Mutex<Vec<Commit>>> = Arc::default();
    let (log, events) = (bench.log.clone(), Mutex::new(Some(events)));
    let log = Arc::new(Told { log, events, commits: commits.clone() });
    let (pipeline, seen) = recorder();
    let clock: Arc<dyn Clock> = bench.clock.clone();
    let builder = Subscription::builder(log, clock, bench.group()).topic("t", pipeline);
    let subscription = builder.fixed_settings(Settings::default()).unwrap().start().await.unwrap();
    put(&bench, &["k=a", "k=b"]).await;
    let place = bench.place(0);
    let assign = |epoch, metadata: String| {
        let (place, epoch, position) = (place.clone(), Epoch(epoch), Offset(0));
        tell.send(Event::Assigned(vec![Assigned { place, epoch, position, committed: true, metadata }]))
            .unwrap();
    };
    assign(1, String::new());
    pass(5).await;
    assert_eq!(names(&seen), ["a", "b"]);
    let at_first = commits.lock().first().unwrap().metadata.clone();
    // What it committed last never got through.
    tell.send(Event::Lost(vec![place.clone()])).unwrap();
    assign(2, at_first);
    pass(5).await;
    assert_eq!(names(&seen), ["a", "b"], "nothing is done again");
    tell.send(Event::Lost(vec![place.clone()])).unwrap();
    let at_last = commits.lock().last().unwrap().metadata.clone();
    assign(3, format!("{at_last}{RESET_MARK}"));
    pass(5).await;
    assert_eq!(names(&seen), ["a", "b", "a", "b"], "whoever set the offset wants it done again");
    subscription.shutdown().await;
}
