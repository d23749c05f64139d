//! The ceiling: the recorded batches, in groups of the size that the node had, into a bare engine.

use std::path::Path;
use std::time::Duration;

use denrei_model::clock::{Clock as _, SystemClock};
use denrei_storage::embedded::EmbeddedOptions;
use denrei_storage::embedded::Spaces;
use denrei_storage::embedded::Write;
use fjall::{Database, PersistMode};

use crate::node::Run;

/// Writes all of it, each group one durable batch, and says how long that took.
pub(crate) fn write(dir: &Path, run: &Run) -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir_in(dir)?;
    let options = EmbeddedOptions::at(dir.path());
    let db = Database::builder(dir.path()).max_journaling_size(options.journal_bytes).open()?;
    let spaces = Spaces::open(&db, options.memtable_bytes)?;
    let clock = SystemClock::new();
    let started = clock.monotonic();
    for group in run.batches.chunks((run.commits_per_group().round() as usize).max(1)) {
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        for item in group.iter().flatten() {
            let space = spaces.get(item.space);
            match &item.write {
                Write::Put(value) => batch.insert(space, item.key.clone(), value.clone()),
                Write::Delete | Write::Settle => batch.remove(space, item.key.clone()),
            }
        }
        batch.commit()?;
    }
    Ok(clock.monotonic() - started)
}
