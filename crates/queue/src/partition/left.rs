//! What a member knows of a partition that it has parted with.
//!
//! If the partition comes back before anybody else has committed, as after an outage of the brokers, nothing that was done is
//! done again, although it could not be committed.

use std::collections::BTreeSet;

use denrei_storage::log::{Offset, TimerVersion};

use super::actor::PartitionHandle;
use super::gaps::DoneSet;
use super::tracker::Tracker;

/// How far a partition had come when it was parted with.
#[derive(Debug)]
pub(crate) struct Left {
    /// Of the assignment that ended.
    token: u64,
    /// What was committed last, as far as is known.
    committed: u64,
    /// Where a tracker would go on.
    watermark: Offset,
    done: DoneSet,
    /// Timers that ended and could not be deleted any more.
    ended: BTreeSet<TimerVersion>,
}

impl PartitionHandle {
    /// Breaks off what still runs, and tells how far it had come; `committed` is the token of the last commit that is known.
    pub(crate) fn part(self, committed: u64) -> Left {
        self.task.abort();
        let tracker = self.tracker.lock();
        let (watermark, done, ended) = (tracker.watermark(), tracker.above(), tracker.ended().clone());
        Left { token: self.token, committed, watermark, done, ended }
    }
}

impl Left {
    /// Whether a partition that comes back under this commit is where it was left: nobody has committed meanwhile, nor set the offset.
    pub(crate) fn goes_on_from(&self, token: u64, position: Offset) -> bool {
        token > 0 && [self.token, self.committed].contains(&token) && self.watermark >= position
    }

    /// Goes on from there.
    pub(crate) fn tracker(self) -> Tracker {
        Tracker::new(self.watermark, self.done).with_ended(self.ended)
    }
}
