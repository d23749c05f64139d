//! What devices receive, counted as it comes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use denrei_model::wire::frame::FullSyncReason;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::score::Micros;
use super::stamp;

/// What some devices together received.
pub(crate) struct Tally {
    pub(crate) bytes: Cell<u64>,
    pub(crate) heartbeats: Cell<u64>,
    /// Frames of operations.
    pub(crate) frames: Cell<u64>,
    pub(crate) operations: Cell<u64>,
    /// The most operations that one frame held.
    pub(crate) largest_frame: Cell<u64>,
    pub(crate) full_syncs: RefCell<BTreeMap<&'static str, u64>>,
    /// From sending a message (or its scheduled time) until a device of somebody else had it.
    pub(crate) delivery: Micros,
    /// When all connections were last cut, if they were.
    pub(crate) cut_at: Cell<Option<Duration>>,
    /// From a cut until a device's stream was open again.
    pub(crate) reopening: Micros,
}

#[derive(Deserialize)]
struct Glance<'a> {
    frame: &'a str,
    #[serde(borrow, default)]
    operations: Vec<&'a RawValue>,
}

fn grow(count: &Cell<u64>, by: usize) {
    count.set(count.get() + by as u64);
}

impl Tally {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            bytes: Cell::new(0),
            heartbeats: Cell::new(0),
            frames: Cell::new(0),
            operations: Cell::new(0),
            largest_frame: Cell::new(0),
            full_syncs: RefCell::default(),
            delivery: Micros::new()?,
            cut_at: Cell::new(None),
            reopening: Micros::new()?,
        })
    }

    pub(super) fn line(&self, line: &str, now: Duration) {
        grow(&self.bytes, line.len() + 1);
        // A line that is no frame is the machine's to complain of.
        let Ok(Glance { frame, operations }) = serde_json::from_str(line) else { return };
        match frame {
            "heartbeat" => grow(&self.heartbeats, 1),
            "operations" => {
                grow(&self.frames, 1);
                grow(&self.operations, operations.len());
                self.largest_frame.set(self.largest_frame.get().max(operations.len() as u64));
                let sent = operations.into_iter().filter_map(|operation| stamp::read(operation.get()));
                sent.for_each(|sent| self.delivery.note(now.saturating_sub(sent)));
            }
            _ => {}
        }
    }

    pub(super) fn page(&self, body: &str) {
        grow(&self.bytes, body.len());
    }

    pub(super) fn opened(&self, now: Duration) {
        if let Some(cut) = self.cut_at.get() {
            self.reopening.note(now.saturating_sub(cut));
        }
    }

    pub(super) fn full_sync(&self, reason: FullSyncReason) {
        *self.full_syncs.borrow_mut().entry(reason.as_str()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_by_kind_and_messages_timed() {
        let tally = Tally::new().unwrap();
        let text = stamp::stamped("message 1", Duration::from_millis(100));
        let received = format!("{{\"type\":\"RECEIVE_MESSAGE\",\"payload\":{{\"text\":\"{text}\"}}}}");
        let lines = [
            "{\"frame\":\"heartbeat\",\"date\":20261124}".to_owned(),
            format!("{{\"frame\":\"operations\",\"operations\":[{received},{{\"type\":\"ADD_CONTACT\"}}]}}"),
            format!("{{\"frame\":\"operations\",\"operations\":[{received}]}}"),
            "no frame".to_owned(),
        ];
        lines.iter().for_each(|line| tally.line(line, Duration::from_millis(140)));
        assert_eq!(tally.heartbeats.get(), 1);
        assert_eq!((tally.frames.get(), tally.operations.get(), tally.largest_frame.get()), (2, 3, 2));
        assert_eq!(tally.bytes.get(), lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
        assert!((tally.delivery.latency().max - 40.0).abs() < 0.1);
    }
}
