//! The moment that readers see: taken by the committer between two commits.
//!
//! A snapshot of the engine that is opened during a commit can hold part of it. Rows of a batch become visible one by one,
//! under a sequence number that snapshots do not reach yet; but the engine's own threads take later numbers for the tables
//! that they write, and make all up to those visible (fjall 3.1: `upgrade_version_with_seqno`). Between two commits nothing
//! is half applied, and whatever is committed later has a later number than such a snapshot.

use fjall::{Database, Snapshot};
use parking_lot::Mutex;

/// The newest moment in which every group is there as a whole or not at all.
pub(super) struct Latest(Mutex<Snapshot>);

impl Latest {
    /// The moment now. Nobody may be committing.
    pub(super) fn new(db: &Database) -> Self {
        Self(Mutex::new(db.snapshot()))
    }

    /// Moves on to now. For the committer only, and before it tells anybody of what it has committed.
    pub(super) fn renew(&self, db: &Database) {
        *self.0.lock() = db.snapshot();
    }

    /// The moment.
    pub(super) fn get(&self) -> Snapshot {
        self.0.lock().clone()
    }
}
