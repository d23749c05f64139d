//! Deliveries of one log that came together, made one: each stream is gone through once for all of them, and all streams share one
//! piece of memory.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use denrei_actors::session::Delivery;
use denrei_model::id::LogId;

/// What is merged is at most this large, unless a single frame is larger.
const MERGED: usize = 8 * 1024;

struct Merging {
    /// The first, told how far the others reach.
    delivery: Delivery,
    frames: Vec<Bytes>,
    bytes: usize,
}

/// The same deliveries, those that follow each other in a log joined. Order holds within a log.
pub(super) fn merged(deliveries: Vec<Delivery>) -> Vec<Delivery> {
    if deliveries.len() < 2 {
        return deliveries;
    }
    let mut all: Vec<Merging> = Vec::with_capacity(deliveries.len());
    let mut newest: HashMap<LogId, usize> = HashMap::new();
    for delivery in deliveries {
        match newest.get(&delivery.log_id).and_then(|at| all.get_mut(*at)) {
            Some(merging) if merging.precedes(&delivery) => merging.take(delivery),
            _ => {
                newest.insert(delivery.log_id, all.len());
                all.push(Merging::new(delivery));
            }
        }
    }
    all.into_iter().map(Merging::done).collect()
}

impl Merging {
    fn new(delivery: Delivery) -> Self {
        Self { frames: vec![delivery.frame.clone()], bytes: delivery.frame.len(), delivery }
    }

    fn precedes(&self, next: &Delivery) -> bool {
        next.first == self.delivery.last.next()
            && self.bytes + next.frame.len() <= MERGED
            && next.streams == self.delivery.streams
    }

    fn take(&mut self, next: Delivery) {
        self.bytes += next.frame.len();
        (self.delivery.last, self.delivery.last_tag) = (next.last, next.last_tag);
        self.frames.push(next.frame);
    }

    fn done(mut self) -> Delivery {
        if self.frames.len() > 1 {
            let mut joined = BytesMut::with_capacity(self.bytes);
            joined.extend(self.frames);
            self.delivery.frame = joined.freeze();
        }
        self.delivery
    }
}

#[cfg(test)]
mod tests {
    use denrei_actors::session::StreamId;
    use denrei_model::position::Revision;
    use denrei_model::tag::Tag;

    use super::*;

    fn tag(revision: u64) -> Tag {
        Tag::default().chain(&revision.to_be_bytes())
    }

    fn delivery(log: u8, revision: u64, streams: &[u64]) -> Delivery {
        Delivery {
            streams: streams.iter().copied().map(StreamId).collect(),
            log_id: LogId::from_bytes([log; 16]),
            first: Revision::new(revision),
            last: Revision::new(revision),
            last_tag: tag(revision),
            frame: Bytes::from(format!("{log}:{revision}\n")),
        }
    }

    #[test]
    fn what_follows_in_one_log_is_one_delivery() {
        let came =
            vec![delivery(1, 5, &[7]), delivery(2, 1, &[8]), delivery(1, 6, &[7]), delivery(1, 7, &[7])];
        let all = merged(came);
        let [one, two] = &all[..] else { panic!("{all:?}") };
        assert_eq!((one.first, one.last, one.last_tag), (Revision::new(5), Revision::new(7), tag(7)));
        assert_eq!(one.frame, "1:5\n1:6\n1:7\n");
        assert_eq!(*two, delivery(2, 1, &[8]));
    }

    #[test]
    fn a_gap_and_other_streams_stay_apart() {
        let came = vec![
            delivery(1, 5, &[7]),
            delivery(1, 7, &[7]),
            delivery(1, 8, &[7, 9]),
            delivery(1, 9, &[7, 9]),
        ];
        let all = merged(came.clone());
        assert_eq!(all.len(), 3);
        assert_eq!(all[..2], came[..2]);
        assert_eq!((all[2].first, all[2].last), (Revision::new(8), Revision::new(9)));
    }

    #[test]
    fn what_is_merged_has_a_bound() {
        let mut came: Vec<Delivery> = (1..=5).map(|revision| delivery(1, revision, &[7])).collect();
        for one in &mut came {
            one.frame = Bytes::from(vec![b'x'; MERGED / 2]);
        }
        assert_eq!(
            merged(came).iter().map(|one| one.frame.len()).collect::<Vec<_>>(),
            [MERGED, MERGED, MERGED / 2]
        );
    }
}
