//! Records that are parked already, and are read once more.
//!
//! A record completes once its timer is durable. Whether it is may be unknown when a partition is lost: a broker that was killed
//! had written the timer and could not say so. The timer then stands for the record, which is read again all the same; if both
//! ran, the task would be done twice. So what is parked at or above the watermark is noted when the timers are opened.

use std::collections::HashMap;

use denrei_storage::log::{Offset, TimerRow};
use prost::Message as _;
use xxhash_rust::xxh3::Xxh3;

use crate::wire::{Parked, RawTask, is_numbered};

/// The records for which timers stand, and what tells each from another record: a topic that was deleted and made again counts
/// its offsets anew.
#[derive(Debug, Default)]
pub(super) struct Twins(HashMap<Offset, u64>);

impl Twins {
    /// A timer that was found; of interest if its record is `from` this offset on, where reading begins.
    pub(super) fn note(&mut self, row: &TimerRow, from: Offset) {
        if row.id.offset < from || is_numbered(row.id.offset) {
            return;
        }
        // One that cannot be read is buried when it fires; its record runs.
        if let Ok(parked) = Parked::decode(row.payload.clone()) {
            self.0.insert(row.id.offset, mark(&parked.task()));
        }
    }

    /// Whether a timer stands for this record. Asked once: each record is read once.
    pub(super) fn take(&mut self, offset: Offset, task: &RawTask) -> bool {
        !self.0.is_empty() && self.0.remove(&offset).is_some_and(|noted| noted == mark(task))
    }
}

/// Of what stays as it is from try to try.
fn mark(task: &RawTask) -> u64 {
    let mut hash = Xxh3::new();
    let key = task.key.as_deref();
    hash.update(&[u8::from(key.is_some())]);
    hash.update(&key.map_or(0, <[u8]>::len).to_be_bytes());
    hash.update(key.unwrap_or_default());
    hash.update(&task.metadata.timestamp_millis.to_be_bytes());
    hash.update(&task.value);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use denrei_model::Timestamp;
    use denrei_storage::log::TimerId;

    use super::*;
    use crate::wire::{Metadata, ParkedKind};

    fn task(value: &'static str) -> RawTask {
        let metadata = Metadata { timestamp_millis: 5, ..Metadata::default() };
        RawTask {
            key: Some("k".into()),
            value: Bytes::from_static(value.as_bytes()),
            metadata,
            headers: Vec::new(),
        }
    }

    fn row(offset: u64, task: &RawTask) -> TimerRow {
        let payload = Parked::new(ParkedKind::Retry, task, "").encode_to_bytes();
        let id = TimerId { offset: Offset(offset), attempt: 1 };
        TimerRow { id, due: Timestamp::from_millis(9), payload }
    }

    #[test]
    fn a_record_is_known_by_its_timer_once_whatever_the_try() {
        let mut twins = Twins::default();
        let mut tried = task("a");
        tried.metadata.retry_count = 1;
        tried.metadata.scheduled_time_millis = 9;
        twins.note(&row(7, &tried), Offset(7));
        assert!(!twins.take(Offset(8), &task("a")));
        assert!(twins.take(Offset(7), &task("a")));
        assert!(!twins.take(Offset(7), &task("a")));
    }

    #[test]
    fn timers_of_records_before_of_other_records_and_of_none_stand_for_nothing() {
        let mut twins = Twins::default();
        twins.note(&row(6, &task("a")), Offset(7));
        twins.note(&row(7, &task("of a topic before")), Offset(7));
        twins.note(&row(1 << 62 | 8, &task("a")), Offset(7));
        for offset in [6, 7, 1 << 62 | 8] {
            assert!(!twins.take(Offset(offset), &task("a")), "{offset}");
        }
    }
}
