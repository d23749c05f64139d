//! Reading a recording.

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
pub struct DeviceRecording {
    /// The device.
    pub device: String,
    /// Whose it is.
    pub account: String,
    /// Its lines after the first.
    pub lines: Vec<Value>,
}

/// All that was recorded.
pub struct Recording {
    /// By device.
    pub devices: Vec<DeviceRecording>,
    /// Every send.
    pub sends: Vec<Value>,
    /// Pages at the end, by account.
    pub fresh: BTreeMap<String, Vec<Value>>,
}

impl Recording {
    /// Reads a directory.
    ///
    /// # Errors
    /// What is missing or malformed.
    pub fn read(directory: &Path) -> Result<Self, ReadingError> {
        let mut devices = Vec::new();
        for path in files(&directory.join("devices"))? {
            let mut lines = lines(&path)?;
            let malformed =
                || ReadingError { path: path.clone(), reason: "does not begin with a device".to_owned() };
            let first = lines.first().cloned().ok_or_else(malformed)?;
            let text =
                |name: &str| first.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(malformed);
            let (device, account) = (text("device")?, text("account")?);
            lines.remove(0);
            devices.push(DeviceRecording { device, account, lines });
        }
        let sends = lines(&directory.join("sends.ndjson"))?;
        let mut fresh = BTreeMap::new();
        for path in files(&directory.join("fresh"))? {
            let account = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            fresh.insert(account, lines(&path)?);
        }
        Ok(Self { devices, sends, fresh })
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

fn lines(path: &Path) -> Result<Vec<Value>, ReadingError> {
    let failed = |reason: String| ReadingError { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| failed(error.to_string()))?;
        lines.push(serde_json::from_str(&line).map_err(|error| failed(format!("line {number}: {error}")))?);
    }
    Ok(lines)
}

/// The number at this field.
pub(super) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The text at this field.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The operations of a recorded line, with their log, if it is a frame of them.
pub(super) fn operations(line: &Value) -> Option<(&str, &[Value])> {
    let frame = line.get("frame").filter(|frame| text(frame, "frame") == "operations")?;
    Some((text(frame, "log_id"), frame.get("operations")?.as_array()?))
}
