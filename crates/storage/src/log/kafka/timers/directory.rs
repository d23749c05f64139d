//! Where an index of timers lies: a directory that nobody else has, and that goes with whoever made it.
//!
//! Whoever is killed leaves his behind. It is known by a file in it that nobody holds locked any more, and goes as soon as somebody
//! makes another one beside it. Where that file is not there, whoever made the directory is at work on it; unless a day has passed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind as Kind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use denrei_model::Timestamp;
use denrei_model::clock::{Clock as _, SystemClock};

const PREFIX: &str = "denrei-timers-";
const OWNER: &str = "owner";
/// Nobody makes or removes a directory for so long.
const DAY: Duration = Duration::from_hours(24);

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
        // It is compared with what the system says of files.
        sweep(below, SystemClock::new().now());
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
fn sweep(below: &Path, now: Timestamp) {
    let Ok(entries) = fs::read_dir(below) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        // Held until it is gone: one alone removes it, for the next of its name may be somebody's.
        let Some(_held) = left(&path, now) else { continue };
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

/// What holds a directory that was left behind, if it was: the file of its owner, locked, if it has one.
fn left(path: &Path, now: Timestamp) -> Option<Option<File>> {
    let name = path.file_name()?.to_str()?;
    let found = fs::symlink_metadata(path).ok()?;
    // Another kind of file is nothing that was made here.
    if !is_name(name.strip_prefix('.').unwrap_or(name)) || !found.is_dir() {
        return None;
    }
    let since = found.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let is_old = Timestamp::default().plus(since + DAY) < now;
    let (owner, is_finished) = (path.join(OWNER), !name.starts_with('.'));
    match fs::symlink_metadata(&owner) {
        Ok(found) if found.is_file() && (is_finished || is_old) => {
            let file = File::open(&owner).ok()?;
            (file.try_lock().is_ok() && is_at(&file, &owner)).then_some(Some(file))
        }
        // It was about to be made, or to go.
        Err(error) if error.kind() == Kind::NotFound && is_old => Some(None),
        _ => None,
    }
}

/// Whether a file is still what is found there: another one may have come in its place before it was locked.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata()
        .map(of)
        .ok()
        .is_some_and(|this| fs::symlink_metadata(path).is_ok_and(|that| of(that) == this))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
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

    #[test]
    fn one_alone_removes_what_was_left_behind() {
        let below = tempfile::tempdir().unwrap();
        let path = below.path().join(format!("{PREFIX}1-0"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join(OWNER), "").unwrap();
        let held = left(&path, SystemClock::new().now());
        assert!(held.is_some());
        assert!(left(&path, SystemClock::new().now()).is_none(), "somebody is at it");
        drop(held);
        assert!(left(&path, SystemClock::new().now()).is_some(), "he was killed over it");
    }

    #[cfg(unix)]
    #[test]
    fn the_next_directory_of_the_same_name_is_not_taken_for_what_was_left_behind() {
        let below = tempfile::tempdir().unwrap();
        let [before, path] = ["before", OWNER].map(|name| below.path().join(name));
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::rename(&path, before).unwrap();
        assert!(!is_at(&file, &path), "gone");
        fs::write(&path, "").unwrap();
        assert!(!is_at(&file, &path), "somebody else's");
    }

    #[test]
    fn what_is_being_made_or_removed_is_left_alone_for_a_day() {
        let (below, now) = (tempfile::tempdir().unwrap(), SystemClock::new().now());
        let names = ["", ".", "."].into_iter().zip(1..);
        let paths: Vec<_> = names.map(|(dot, n)| below.path().join(format!("{dot}{PREFIX}1-{n}"))).collect();
        paths.iter().for_each(|path| fs::create_dir(path).unwrap());
        // Made, and not locked yet.
        fs::write(paths[2].join(OWNER), "").unwrap();
        let there = || paths.iter().map(|path| path.exists()).collect::<Vec<_>>();
        sweep(below.path(), now.plus(DAY / 2));
        assert_eq!(there(), [true; 3], "somebody is at them");
        let mine = Directory::make(below.path()).unwrap();
        sweep(below.path(), now.plus(DAY * 2));
        assert_eq!(there(), [false; 3], "nobody is any more");
        assert!(mine.path().exists(), "in use for long");
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
