//! What is kept: what is young, or not yet committed by every group.

use std::sync::Arc;
use std::time::Duration;

use denrei_model::Timestamp;
use denrei_model::clock::ManualClock;
use denrei_storage::log::{
    Commit, ConsumerOptions, ErrorKind, Event, LocalLog, LocalOptions, Log, NewRecord, Offset, Place,
    TopicConfig, TopicName,
};

const HOUR: Duration = Duration::from_secs(3600);

struct Kept {
    log: LocalLog,
    clock: Arc<ManualClock>,
    place: Place,
}

impl Kept {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000_000)));
        let log = LocalLog::memory(Arc::<ManualClock>::clone(&clock), LocalOptions::default()).unwrap();
        let topic = TopicName::from("kept");
        let config = TopicConfig { retention: Some(HOUR), ..TopicConfig::new(1) };
        log.admin().create_topic(&topic, config).await.unwrap();
        Self { log, clock, place: Place::new(topic, 0) }
    }

    async fn send(&self, count: u32) {
        for _ in 0..count {
            self.log.producer().send(NewRecord::new(self.place.topic.clone(), "x")).await.unwrap();
        }
    }

    async fn start_after_sweep(&self) -> Offset {
        self.log.sweep().await.unwrap();
        self.log.admin().watermarks(&self.place).await.unwrap().start
    }

    async fn commit(&self, offset: u64) -> Box<dyn denrei_storage::log::Consumer> {
        let options = ConsumerOptions::new("g", [self.place.topic.clone()]);
        let mut member = self.log.join(options).await.unwrap();
        let Event::Assigned(all) = member.poll().await.unwrap() else { panic!("not assigned") };
        let (place, epoch) = (all[0].place.clone(), all[0].epoch);
        let commit = Commit { place, epoch, offset: Offset(offset), metadata: String::new() };
        member.commit(vec![commit]).await.pop().unwrap().unwrap();
        member
    }
}

#[tokio::test]
async fn old_records_go_and_young_ones_stay() {
    let kept = Kept::new().await;
    kept.send(3).await;
    kept.clock.advance(HOUR / 2);
    kept.send(2).await;
    assert_eq!(kept.start_after_sweep().await, Offset(0));
    kept.clock.advance(HOUR / 2 + Duration::from_millis(1));
    assert_eq!(kept.start_after_sweep().await, Offset(3));
}

#[tokio::test]
async fn what_a_group_has_not_committed_stays_however_old() {
    let kept = Kept::new().await;
    kept.send(5).await;
    let _member = kept.commit(2).await;
    kept.clock.advance(HOUR * 24 * 30);
    assert_eq!(kept.start_after_sweep().await, Offset(2));
}

#[tokio::test]
async fn a_group_that_was_not_seen_for_a_week_holds_nothing_back() {
    let kept = Kept::new().await;
    kept.send(5).await;
    drop(kept.commit(2).await);
    kept.clock.advance(HOUR * 24 * 6);
    assert_eq!(kept.start_after_sweep().await, Offset(2));
    kept.clock.advance(HOUR * 24 * 2);
    kept.log.sweep().await.unwrap();
    assert_eq!(kept.start_after_sweep().await, Offset(5));
}

#[tokio::test]
async fn who_is_behind_what_was_trimmed_away_asks_for_no_room_before_there_is_something() {
    let kept = Kept::new().await;
    kept.send(3).await;
    let mut member = kept.commit(0).await;
    let mut records = member.records(&kept.place).unwrap();
    kept.log.admin().trim(&kept.place, Offset(3)).await.unwrap();
    let mut asked = 0;
    let mut room = || {
        asked += 1;
        usize::MAX
    };
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, records.next(9, &mut room)).await.is_err(), "there are none");
    kept.send(1).await;
    let found = records.next(9, &mut room).await.unwrap();
    assert_eq!((found.len(), found[0].offset, asked), (1, Offset(3), 1));
}

#[tokio::test]
async fn a_store_that_has_reached_its_limit_refuses_appends_and_takes_commits() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
    let options = LocalOptions { store_bytes: 1000, ..LocalOptions::default() };
    let log = LocalLog::memory(Arc::<ManualClock>::clone(&clock), options).unwrap();
    let place = Place::new("kept", 0);
    log.admin().create_topic(&place.topic, TopicConfig::new(1)).await.unwrap();
    let kept = Kept { log, clock, place };
    let send = || kept.log.producer().send(NewRecord::new("kept", vec![0; 600]));
    send().await.unwrap();
    send().await.unwrap();
    assert_eq!(send().await.unwrap_err().kind(), ErrorKind::Full);
    kept.commit(2).await;
    kept.log.admin().trim(&kept.place, Offset(2)).await.unwrap();
    send().await.unwrap();
}
