//! One process per data directory; the second learns who the first is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use denrei_model::clock::Timestamp;

use super::error::OpenError;

const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Held while the store is open; the operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    pub(super) fn acquire(data_dir: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let path = data_dir.join("LOCK");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(OpenError::io(&path))?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.take(256).read_to_string(&mut holder);
                let holder = match read {
                    Ok(_) if !holder.trim().is_empty() => holder.trim().to_owned(),
                    _ => "another process".to_owned(),
                };
                return Err(OpenError::InUse { path: data_dir.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
        }
        let text = format!("process {} since {now}\n", std::process::id());
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(OpenError::io(&path))?;
        Ok(Self { _file: file })
    }
}

/// A process that was killed holds its lock until the system has cleared it away: a moment longer than it lived.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    file.try_lock()
}
