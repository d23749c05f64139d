//! Records that Decaton wrote, and our own.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use denrei_storage::log::Offset;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Line {
    topic: String,
    offset: u64,
    timestamp: u64,
    key: Option<String>,
    value: String,
    headers: std::collections::BTreeMap<String, String>,
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(STANDARD.decode(text).unwrap())
}

impl Line {
    fn record(&self) -> Record {
        Record {
            offset: Offset(self.offset),
            timestamp: Timestamp::from_millis(self.timestamp),
            key: self.key.as_deref().map(bytes),
            value: Some(bytes(&self.value)),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| Header::new(name.clone(), bytes(value)))
                .collect(),
        }
    }
}

fn decaton_records(test: &str) -> Option<Vec<Line>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/decaton/records.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED {test}: {} is not there", path.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn text(task: &RawTask) -> &str {
    std::str::from_utf8(&task.value).unwrap()
}

#[test]
fn what_decaton_produced_is_read_as_it_was_meant() {
    let Some(lines) = decaton_records("what_decaton_produced_is_read_as_it_was_meant") else { return };
    let fresh = lines.iter().filter(|line| line.topic == "tasks");
    let tasks: Vec<RawTask> =
        fresh.map(|line| RawTask::read(&line.record(), Format::Header).unwrap()).collect();
    assert_eq!(tasks.len(), 7);
    let plain = tasks.iter().filter(|task| text(task).starts_with("plain task"));
    for (number, task) in plain.enumerate() {
        assert_eq!(text(task), format!("plain task {number}"));
        assert_eq!(task.key, Some(Bytes::from(format!("user-{number}"))));
        assert_eq!(&*task.metadata.source_application_id, "fixture-app");
        assert_eq!(&*task.metadata.source_instance_id, "fixture-1");
        assert_eq!((task.metadata.retry_count, task.metadata.scheduled_time_millis), (0, 0));
        assert!(task.headers.is_empty());
    }
    let find = |content: &str| tasks.iter().find(|task| text(task) == content).unwrap();
    let scheduled = &find("scheduled task").metadata;
    assert!(scheduled.scheduled() > scheduled.timestamp());
    assert_eq!(find("no key").key, None);
    let bare = &find("a record without dt_meta").metadata;
    assert_eq!(*bare, Metadata { timestamp_millis: 1_700_000_004_000, ..Metadata::default() });
}

#[test]
fn what_decaton_retried_is_read_in_the_format_it_was_written_in() {
    let Some(lines) = decaton_records("what_decaton_retried_is_read_in_the_format_it_was_written_in") else {
        return;
    };
    let retried: Vec<&Line> = lines.iter().filter(|line| line.topic == "tasks-retry").collect();
    assert_eq!(retried.len(), 15);
    let (with_header, legacy): (Vec<&Line>, Vec<&Line>) =
        retried.iter().partition(|line| !line.headers.is_empty());
    for line in with_header {
        let task = RawTask::read(&line.record(), Format::Header).unwrap();
        assert_eq!(task.metadata.retry_count, 1);
        assert!(task.metadata.scheduled() > task.metadata.timestamp());
    }
    let mut wrapped_twice = 0;
    for line in legacy {
        let task = RawTask::read(&line.record(), Format::Request).unwrap();
        assert_eq!(task.metadata.retry_count, 1);
        let inner = RawTask { headers: vec![], ..task };
        let as_record = Record { value: Some(inner.value.clone()), ..line.record() };
        match RawTask::read(&as_record, Format::Request) {
            // A value that already was a request when it was read as a plain task.
            Ok(content) => {
                wrapped_twice += 1;
                assert_eq!((text(&content), content.metadata.retry_count), ("no key", 1));
            }
            Err(_) => assert!(std::str::from_utf8(&inner.value).is_ok(), "{:?}", inner.value),
        }
    }
    assert_eq!(wrapped_twice, 1);
}

#[test]
fn what_is_written_is_byte_for_byte_what_decaton_writes() {
    let Some(lines) = decaton_records("what_is_written_is_byte_for_byte_what_decaton_writes") else { return };
    for line in &lines {
        let (record, has_header) = (line.record(), !line.headers.is_empty());
        let format = if has_header || line.topic == "tasks" { Format::Header } else { Format::Request };
        let task = RawTask::read(&record, format).unwrap();
        let (value, headers) = task.write(format);
        assert_eq!(Some(value), record.value);
        if has_header {
            assert_eq!(headers, record.headers);
        }
    }
}

#[test]
fn what_is_no_task_is_an_error_and_not_a_guess() {
    let mut record = Record {
        offset: Offset(0),
        timestamp: Timestamp::from_millis(5),
        key: None,
        value: Some(Bytes::from_static(b"\xff")),
        headers: vec![Header::new(METADATA_HEADER, &b"\xff"[..])],
    };
    assert!(matches!(RawTask::read(&record, Format::Header), Err(WireError::Header(_))));
    assert!(matches!(RawTask::read(&record, Format::Request), Err(WireError::Request(_))));
    record.value = Some(Bytes::new());
    assert_eq!(RawTask::read(&record, Format::Request), Err(WireError::NoMetadata));
}

#[test]
fn a_parked_task_comes_back_whole() {
    let task = RawTask {
        key: Some(Bytes::from_static(b"\xff not text")),
        value: Bytes::from_static(b"v"),
        metadata: Metadata { retry_count: 3, ..Metadata::default() },
        headers: vec![Header::new("h", "1"), Header { name: Bytes::from_static(b"none"), value: None }],
    };
    let bytes = Parked::new(ParkedKind::Retry, &task, "why").encode_to_bytes();
    let parked = Parked::decode(bytes).unwrap();
    assert_eq!((parked.task(), parked.kind(), &*parked.reason), (task, ParkedKind::Retry, "why"));
}

#[test]
fn a_retry_of_which_nobody_wrote_down_when_it_was_born_is_as_young_as_its_try() {
    let metadata = Metadata { timestamp_millis: 1_000, retry_count: 1, ..Metadata::default() };
    let task = RawTask { metadata, ..RawTask::default() };
    let (due, born) = (Timestamp::from_millis(90_000), Timestamp::from_millis(50_000));
    let retry = Parked::new(ParkedKind::Retry, &task, "failed");
    assert_eq!(retry.born(due), due);
    assert_eq!(retry.born_at(born).born(due), born);
}

#[test]
fn a_retry_on_a_topic_tells_when_it_was_born_and_keeps_its_own_headers() {
    let metadata = Metadata { timestamp_millis: 1_000, retry_count: 1, ..Metadata::default() };
    let task =
        RawTask { metadata, value: "a".into(), headers: vec![Header::new("own", "x")], ..RawTask::default() };
    let born = Timestamp::from_millis(50_000);
    for format in [Format::Header, Format::Request] {
        let (value, headers) = task.write_retry(format, born);
        let (offset, timestamp) = (Offset(0), Timestamp::from_millis(1));
        let record = Record { offset, timestamp, key: None, value: Some(value), headers };
        let mut read = RawTask::read(&record, format).unwrap();
        let written = Timestamp::from_millis(9_000);
        assert_eq!((read.take_born(written), &read), (born, &task));
        assert_eq!(read.take_born(written), Timestamp::from_millis(1_000), "as its metadata says");
        let (value, headers) = task.write_afresh(format);
        let mut afresh = RawTask::read(&Record { value: Some(value), headers, ..record }, format).unwrap();
        assert_eq!((afresh.take_born(written), &afresh), (written, &task), "no older than its record");
    }
}
