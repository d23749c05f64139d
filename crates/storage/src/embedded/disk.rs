//! Whether enough of the disk is left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Tells how many bytes are free where a path lies.
pub(super) type FreeSpace = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// What the operating system says.
pub(super) fn system() -> FreeSpace {
    Arc::new(|path| {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    })
}

/// Looks at the disk, at most once a second.
pub(super) struct DiskGuard {
    path: PathBuf,
    free_space: FreeSpace,
    reserve: u64,
    looked: Option<Duration>,
    full: bool,
}

impl DiskGuard {
    pub(super) const EVERY: Duration = Duration::from_secs(1);

    pub(super) fn new(path: PathBuf, free_space: FreeSpace, reserve: u64) -> Self {
        Self { path, free_space, reserve, looked: None, full: false }
    }

    /// Whether writes are to be refused, as of `now` on a clock that never runs backwards.
    pub(super) fn full(&mut self, now: Duration) -> bool {
        if self.looked.is_some_and(|looked| now.saturating_sub(looked) < Self::EVERY) {
            return self.full;
        }
        self.looked = Some(now);
        let Ok(free) = (self.free_space)(&self.path) else {
            // Not knowing is no reason to stop: a disk that is really full fails the commit.
            return self.full;
        };
        let full = free < self.reserve;
        let path = self.path.display();
        match (self.full, full) {
            (false, true) => {
                tracing::error!(%path, free, reserve = self.reserve, "hardly any disk left: writes are refused");
            }
            (true, false) => tracing::info!(%path, free, "enough disk again: writes are taken"),
            _ => {}
        }
        self.full = full;
        full
    }
}
