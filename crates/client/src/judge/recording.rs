//! Reading a recording, one account at a time and line by line: it may be much larger than memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Why a recording cannot be judged.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct ReadingError {
    path: PathBuf,
    reason: String,
}

/// What one device received, in order.
pub(super) struct DeviceRecording {
    pub(super) device: String,
    path: PathBuf,
}

/// What was recorded of one account.
#[derive(Default)]
pub(super) struct AccountRecording {
    pub(super) devices: Vec<DeviceRecording>,
    /// Pages at the end.
    fresh: Option<PathBuf>,
}

/// All that was recorded.
pub(super) struct Recording {
    directory: PathBuf,
    pub(super) accounts: BTreeMap<String, AccountRecording>,
}

/// The lines of a file, one after the other.
pub(super) struct Lines {
    path: PathBuf,
    lines: std::io::Lines<BufReader<File>>,
    number: u64,
}

impl Recording {
    /// Looks at what is in a directory.
    pub(super) fn open(directory: &Path) -> Result<Self, ReadingError> {
        let mut accounts: BTreeMap<String, AccountRecording> = BTreeMap::new();
        for path in files(&directory.join("devices"))? {
            let malformed =
                || ReadingError { path: path.clone(), reason: "does not begin with a device".to_owned() };
            let first = Lines::open(&path)?.next().ok_or_else(malformed)??;
            let name =
                |name: &str| first.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(malformed);
            let (device, account) = (name("device")?, name("account")?);
            accounts.entry(account).or_default().devices.push(DeviceRecording { device, path });
        }
        for path in files(&directory.join("fresh"))? {
            let account = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            accounts.entry(account).or_default().fresh = Some(path);
        }
        Ok(Self { directory: directory.to_owned(), accounts })
    }

    /// Every send.
    pub(super) fn sends(&self) -> Result<Lines, ReadingError> {
        Lines::open(&self.directory.join("sends.ndjson"))
    }

    /// Every change, if any were recorded.
    pub(super) fn changes(&self) -> Result<Option<Lines>, ReadingError> {
        let path = self.directory.join("changes.ndjson");
        path.exists().then(|| Lines::open(&path)).transpose()
    }
}

impl DeviceRecording {
    /// Its lines after the first.
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = Result<Value, ReadingError>>, ReadingError> {
        Ok(Lines::open(&self.path)?.skip(1))
    }
}

impl AccountRecording {
    /// What a device with nothing was given at the end, if anything was.
    pub(super) fn fresh(&self) -> Result<Option<Lines>, ReadingError> {
        self.fresh.as_deref().map(Lines::open).transpose()
    }
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ReadingError> {
        let failed =
            |error: std::io::Error| ReadingError { path: path.to_owned(), reason: error.to_string() };
        let lines = BufReader::new(File::open(path).map_err(failed)?).lines();
        Ok(Self { path: path.to_owned(), lines, number: 0 })
    }
}

impl Iterator for Lines {
    type Item = Result<Value, ReadingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next()?;
        self.number += 1;
        let failed = |reason| ReadingError { path: self.path.clone(), reason };
        let line = line.map_err(|error| failed(error.to_string()));
        let parse = |line: String| {
            serde_json::from_str(&line).map_err(|error| failed(format!("line {}: {error}", self.number)))
        };
        Some(line.and_then(parse))
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, ReadingError> {
    let failed =
        |error: std::io::Error| ReadingError { path: directory.to_owned(), reason: error.to_string() };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The number at this field.
pub(super) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The text at this field.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a list at this field holds.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The operations of a recorded line, with their log, if it is a frame of them.
pub(super) fn operations(line: &Value) -> Option<(&str, &[Value])> {
    let frame = line.get("frame").filter(|frame| text(frame, "frame") == "operations")?;
    Some((text(frame, "log_id"), frame.get("operations")?.as_array()?))
}
