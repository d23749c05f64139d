//! Where an index of timers lies: a directory that nobody else has, and that goes with whoever made it.
//!
//! Whoever is killed leaves his behind. It is known by a file in it that nobody holds locked any more, and goes as soon as somebody
//! makes another one beside it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind as Kind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = "denrei-timers-";
const OWNER: &str = "owner";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A directory of this process alone.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked as long as the directory is in use.
    _owner: File,
}

impl Directory {
    /// Makes one below another directory, which is made as well if it is not there, and removes those left behind.
    pub(super) fn make(below: &Path) -> io::Result<Self> {
        fs::create_dir_all(below)?;
        sweep(below);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{number}", std::process::id());
            // It is locked before it has the name by which others look for what was left behind.
            let unfinished = below.join(format!(".{name}"));
            match private(&unfinished) {
                Err(error) if error.kind() == Kind::AlreadyExists => continue,
                made => made?,
            }
            let owner = owner(&unfinished);
            let path = below.join(name);
            match owner.and_then(|owner| fs::rename(&unfinished, &path).map(|()| owner)) {
                Ok(owner) => return Ok(Self { path, _owner: owner }),
                Err(error) => {
                    // The error at hand says more than whatever comes of this.
                    drop(fs::remove_dir_all(&unfinished));
                    if !matches!(error.kind(), Kind::AlreadyExists | Kind::DirectoryNotEmpty) {
                        return Err(error);
                    }
                }
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "an index of timers is left behind");
        }
    }
}

/// What timers carry is for nobody else to read.
fn private(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn owner(directory: &Path) -> io::Result<File> {
    let owner = File::create_new(directory.join(OWNER))?;
    owner.lock()?;
    Ok(owner)
}

/// Removes what others left behind; what cannot be removed stays for the next who looks.
fn sweep(below: &Path) {
    let Ok(entries) = fs::read_dir(below) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_left(path)) {
        match fs::remove_dir_all(&path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "removed an index of timers that was left behind");
            }
            Err(error) => {
                tracing::debug!(%error, path = %path.display(), "left behind, and not ours to remove");
            }
        }
    }
}

fn is_left(path: &Path) -> bool {
    let has_name = path.file_name().and_then(|name| name.to_str()).is_some_and(is_name);
    let owner = path.join(OWNER);
    // Another kind of file is nothing that was made here.
    has_name
        && fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
        && match fs::symlink_metadata(&owner) {
            Ok(found) => found.is_file() && File::open(&owner).is_ok_and(|owner| owner.try_lock().is_ok()),
            // It was about to go.
            Err(error) => error.kind() == Kind::NotFound,
        }
}

fn is_name(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let numbers = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_behind_goes_and_what_is_in_use_or_not_ours_stays() {
        let below = tempfile::tempdir().unwrap();
        let left = below.path().join(format!("{PREFIX}1-0"));
        fs::create_dir_all(left.join("rows")).unwrap();
        fs::write(left.join(OWNER), "").unwrap();
        let others = ["denrei-timers-mine", "something-1-0"].map(|name| below.path().join(name));
        others.iter().for_each(|other| fs::create_dir(other).unwrap());
        let mine = Directory::make(below.path()).unwrap();
        assert!(!left.exists(), "left behind");
        let beside = Directory::make(below.path()).unwrap();
        assert!(mine.path().exists() && beside.path().exists(), "both are in use");
        assert!(mine.path() != beside.path());
        assert!(others.iter().all(|other| other.exists()), "not ours");
        let path = mine.path().to_owned();
        drop(mine);
        assert!(!path.exists() && beside.path().exists(), "it goes with whoever made it");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_what_timers_carry() {
        use std::os::unix::fs::PermissionsExt as _;
        let below = tempfile::tempdir().unwrap();
        let mine = Directory::make(below.path()).unwrap();
        assert_eq!(fs::metadata(mine.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_number_that_is_taken_is_passed_over() {
        let below = tempfile::tempdir().unwrap();
        let taken = NEXT.load(Ordering::Relaxed)..NEXT.load(Ordering::Relaxed) + 8;
        let pid = std::process::id();
        for number in taken.clone() {
            let dir = below.path().join(format!("{PREFIX}{pid}-{number}"));
            fs::create_dir(&dir).unwrap();
            // In the hands of another process of the same number, in another container.
            fs::create_dir(dir.join(OWNER)).unwrap();
        }
        let mine = Directory::make(below.path()).unwrap();
        assert!(taken.into_iter().all(|n| !mine.path().ends_with(format!("{PREFIX}{pid}-{n}"))));
    }
}
