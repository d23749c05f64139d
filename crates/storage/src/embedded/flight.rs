//! Records on their way within the queue: emitted by a batch that waits, and applied by none yet.
//!
//! Where such a record is applied within the same group it is durable with its source, rather than a whole commit later,
//! and never written at all. So the committer lets records land before it takes a group, for a small part of what a
//! commit costs.

use std::time::Duration;

use denrei_model::position::RecordNumber;
use denrei_model::shard::Shard;
use foldhash::HashSet;

use crate::shard::Batch;

/// The most that a group waits for records to land, whatever a commit costs.
const MOST: Duration = Duration::from_millis(1);

/// How long a group may wait, after a commit that took so long.
pub(super) fn patience(commit: Duration) -> Duration {
    (commit / 2).min(MOST)
}

/// The records on their way: from, to, number.
#[derive(Default)]
pub(super) struct Flight(HashSet<(Shard, Shard, RecordNumber)>);

impl Flight {
    /// A batch joins the queue.
    pub(super) fn join(&mut self, shard: Shard, batch: &Batch) {
        for applied in &batch.applied {
            self.0.remove(&(applied.from, shard, applied.number));
        }
        self.0.extend(batch.emitted.iter().map(|emitted| (shard, emitted.to, emitted.number)));
    }

    /// The group is taken: what is still on its way arrives in a later one.
    pub(super) fn depart(&mut self) {
        self.0.clear();
    }

    pub(super) fn has_landed(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{Applied, Emitted};

    const HERE: Shard = Shard::new(1);
    const THERE: Shard = Shard::new(2);

    fn emit(flight: &mut Flight, number: u64) {
        let record = bytes::Bytes::new();
        let emitted = vec![Emitted { to: THERE, number: RecordNumber::new(number), record }];
        flight.join(HERE, &Batch { emitted, ..Batch::default() });
    }

    fn apply(flight: &mut Flight, number: u64) {
        let applied = vec![Applied { from: HERE, number: RecordNumber::new(number) }];
        flight.join(THERE, &Batch { applied, ..Batch::default() });
    }

    #[test]
    fn a_record_lands_when_its_shard_has_applied_it() {
        let mut flight = Flight::default();
        assert!(flight.has_landed());
        emit(&mut flight, 1);
        emit(&mut flight, 2);
        apply(&mut flight, 1);
        assert!(!flight.has_landed());
        apply(&mut flight, 2);
        assert!(flight.has_landed());
    }

    #[test]
    fn a_record_of_a_group_that_has_gone_is_not_waited_for() {
        let mut flight = Flight::default();
        emit(&mut flight, 1);
        flight.depart();
        assert!(flight.has_landed());
        apply(&mut flight, 1);
        emit(&mut flight, 2);
        assert!(!flight.has_landed());
    }

    #[test]
    fn quick_commits_are_not_waited_for_long() {
        assert_eq!(patience(Duration::from_micros(50)), Duration::from_micros(25));
        assert_eq!(patience(Duration::from_secs(1)), MOST);
    }
}
