//! What the log on disk survives, and what it refuses to open.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use denrei_model::clock::SystemClock;
use denrei_storage::log::{
    ConsumerOptions, EmbeddedOptions, ErrorKind, Event, LocalLog, Log, NewRecord, Offset, Place, TimerChange,
    TimerId, TimerQuery, TimerRow, TopicConfig,
};

fn open(path: &Path) -> Result<LocalLog, denrei_storage::log::LogError> {
    LocalLog::embedded(path, Arc::new(SystemClock::new()), &EmbeddedOptions::default())
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn fill(log: &LocalLog, count: u32) {
    let producer = log.producer();
    let sent: Vec<_> =
        (0..count).map(|n| producer.send(NewRecord::new("t", n.to_string()).partition(0))).collect();
    for sent in sent {
        sent.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new("t", 0);
    {
        let log = open(dir.path()).unwrap();
        log.admin().create_topic(&place.topic, TopicConfig::new(2)).await.unwrap();
        fill(&log, 3_000).await;
        log.admin().trim(&place, Offset(10)).await.unwrap();
        log.admin().reset(&"g".into(), &place, Offset(77)).await.unwrap();
        let id = TimerId { offset: Offset(1), attempt: 3 };
        let row = TimerRow { id, due: denrei_model::Timestamp::from_millis(5), payload: "p".into() };
        log.timers(&"g".into()).change(&place, None, vec![TimerChange::Put(row)]).await.unwrap();
    }
    let log = open(dir.path()).unwrap();
    let span = log.admin().watermarks(&place).await.unwrap();
    assert_eq!((span.start, span.end), (Offset(10), Offset(3_000)));
    let records = log.admin().read(&place, Offset(1_234), 2).await.unwrap();
    assert_eq!(records[0].value.as_deref(), Some(&b"1234"[..]));
    assert_eq!(records[1].offset, Offset(1_235));
    assert_eq!(log.admin().committed(&"g".into(), &place).await.unwrap().offset, Some(Offset(77)));
    assert_eq!(log.timers(&"g".into()).list(&place, TimerQuery::first(9)).await.unwrap().len(), 1);
    fill(&log, 1).await;
    assert_eq!(log.admin().watermarks(&place).await.unwrap().end, Offset(3_001));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lost_what_it_had_confirmed_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (then, now) = (dir.path().join("then"), dir.path().join("now"));
    {
        let log = open(&now).unwrap();
        log.admin().create_topic(&"t".into(), TopicConfig::new(1)).await.unwrap();
        fill(&log, 5).await;
    }
    copy_dir(&now, &then);
    fill(&open(&now).unwrap(), 5).await;
    // An older state of the database beside the witness of the newer one: what a journal that was cut short looks like.
    fs::copy(now.join("log.witness"), then.join("log.witness")).unwrap();
    let error = open(&then).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("log.witness"), "{error}");
    assert!(open(&now).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_called_away_again_and_again_comes_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new("t", 0);
    {
        let log = open(dir.path()).unwrap();
        log.admin().create_topic(&place.topic, TopicConfig::new(1)).await.unwrap();
        // Large, so that no read is over before it is called away.
        for n in 0..100_u8 {
            log.producer().send(NewRecord::new("t", vec![n; 200_000])).await.unwrap();
        }
    }
    // Opened anew, it has none of them in memory.
    let log = open(dir.path()).unwrap();
    let mut member = log.join(ConsumerOptions::new("g", [place.topic.clone()])).await.unwrap();
    assert!(matches!(member.poll().await.unwrap(), Event::Assigned(_)));
    let mut records = member.records(&place).unwrap();
    let mut seen = Vec::new();
    let read = async {
        while seen.len() < 100 {
            // Asked once, and called away at once; for fewer than the time before.
            for most in [30, 7] {
                if let Some(batch) =
                    futures_util::FutureExt::now_or_never(records.next(most, &mut || usize::MAX))
                {
                    let batch = batch.unwrap();
                    assert!(batch.len() <= most);
                    seen.extend(batch.into_iter().map(|record| record.offset.0));
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("it never comes to its end");
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}
