//! Runs a command, takes its output line by line, and ends it when it has been silent for too long.

use std::io::{BufRead as _, BufReader, PipeReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::child;
use crate::surroundings::say;

/// Lines that may wait to be taken.
const WAITING: usize = 1024;

/// Whether it succeeded. Both its streams come as one, in the order in which they were written.
pub(crate) fn watch(command: &mut Command, patience: Duration, mut take: impl FnMut(&str)) -> Result<bool> {
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut started = command.spawn().with_context(|| format!("cannot run {}", child::named(command)))?;
    // The command keeps its ends of the pipe open until it is given new ones.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, lines) = mpsc::sync_channel(WAITING);
    let pump = std::thread::spawn(move || pump(reader, &sender));
    let in_time = listen(&lines, patience, &mut take);
    if !in_time {
        say(format_args!("silent for {patience:?}: ended"));
        end(&started);
    }
    drop(lines);
    let succeeded = started.wait()?.success();
    if in_time {
        drop(pump.join());
    }
    Ok(succeeded && in_time)
}

fn pump(reader: PipeReader, lines: &SyncSender<String>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        line.clear();
        if lines.send(text).is_err() {
            return;
        }
    }
}

/// `false` if nothing came for too long.
fn listen(lines: &Receiver<String>, patience: Duration, take: &mut impl FnMut(&str)) -> bool {
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => take(&line),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// With all that it started, so that none of them lives on or holds the pipe.
fn end(started: &Child) {
    for pid in child::family(started.id()) {
        child::signal(pid, "KILL");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(script: &str, patience: Duration) -> (bool, Vec<String>) {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let succeeded =
            watch(command.args(["-c", script]), patience, |line| lines.push(line.to_owned())).unwrap();
        (succeeded, lines)
    }

    #[test]
    fn both_streams_come_in_order() {
        let (succeeded, lines) = watched("echo a; echo b >&2; echo c; exit 1", Duration::from_secs(30));
        assert!(!succeeded);
        assert_eq!(lines, ["a", "b", "c"]);
    }

    #[test]
    fn a_command_that_falls_silent_is_ended_with_its_children() {
        let (succeeded, lines) = watched("echo a; sleep 600 & wait", Duration::from_millis(500));
        assert!(!succeeded);
        assert_eq!(lines, ["a"]);
    }
}
