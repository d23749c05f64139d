//! A process that outlives us: its id and its log lie in its folder, which is also its working directory.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::service::Service;
use crate::child;

const PID: &str = "pid";
const LOG: &str = "log";
/// A cold JVM on two busy cores is slow to come.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a broker needs to close its files; after it, the process is killed.
const FAREWELL: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
/// Lines of the log that are shown when it does not come up.
const TAIL: usize = 15;

/// The id of the process that runs in this folder.
///
/// Ids are used again: where the system tells a process's working directory, it must be this folder.
pub(crate) fn pid(folder: &Path) -> Option<u32> {
    let pid: u32 = fs::read_to_string(folder.join(PID)).ok()?.trim().parse().ok()?;
    if !Path::new("/proc/self").exists() {
        return child::signal(pid, "0").then_some(pid);
    }
    let home = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (home == folder.canonicalize().ok()?).then_some(pid)
}

/// Whether a process runs in this folder.
pub(crate) fn is_running(folder: &Path) -> bool {
    pid(folder).is_some()
}

/// Starts it apart from our own process group, so that Ctrl-C here does not reach it.
pub(crate) fn start(command: &mut Command, folder: &Path) -> Result<()> {
    let log = File::create(folder.join(LOG))?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    let started = command.spawn().with_context(|| format!("cannot start {}", child::named(command)))?;
    fs::write(folder.join(PID), started.id().to_string())?;
    Ok(())
}

/// Waits until its port answers; an error with the end of its log if it ends before, or takes too long.
pub(crate) fn wait_until_ready(folder: &Path, address: &str) -> Result<()> {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if Service::answers(address) {
            return Ok(());
        }
        if !is_running(folder) {
            bail!("it ended at once; its log closes with\n{}", tail(folder));
        }
        std::thread::sleep(PAUSE);
    }
    bail!("{address} does not answer after {PATIENCE:?}; its log closes with\n{}", tail(folder))
}

/// Asks it to end, waits, and ends it; whether there was one.
pub(crate) fn stop(folder: &Path) -> Result<bool> {
    let Some(running) = pid(folder) else { return Ok(false) };
    child::signal(running, "TERM");
    for _ in 0..FAREWELL.as_millis() / PAUSE.as_millis() {
        if pid(folder).is_none() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if pid(folder).is_some() {
        child::signal(running, "KILL");
    }
    fs::remove_file(folder.join(PID))?;
    Ok(true)
}

fn tail(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_folder_until_it_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        start(Command::new("sleep").arg("60"), folder.path()).unwrap();
        assert!(is_running(folder.path()));
        fs::copy(folder.path().join(PID), other.path().join(PID)).unwrap();
        assert!(!is_running(other.path()), "the id alone does not make it ours");
        assert!(stop(folder.path()).unwrap());
        assert!(!stop(folder.path()).unwrap());
    }

    #[test]
    fn one_that_ends_at_once_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        start(Command::new("sh").args(["-c", "echo no such port"]), folder.path()).unwrap();
        let error = wait_until_ready(folder.path(), "127.0.0.1:1").unwrap_err().to_string();
        assert!(error.contains("no such port"), "{error}");
    }
}
