//! The directory of a recording. An earlier recording there is replaced; what is anything else is never touched.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use denrei_model::id::{AccountId, DeviceId};

use super::RecordError;

const DEVICES: &str = "devices";
const FRESH: &str = "fresh";
/// Files of the recording itself.
const FILES: [&str; 2] = ["sends.ndjson", "changes.ndjson"];
/// What the lines of a recording begin with: those of tapes, those of sends and changes.
const BEGINNINGS: [&[u8]; 2] = [b"{\"at\":", b"{\"account\":"];
const LONGEST_BEGINNING: u64 = 16;

/// Makes the directory of a recording with nothing recorded in it.
///
/// # Errors
/// [`RecordError::Foreign`] if it holds anything that is not of an earlier recording; then all of it is left as it is.
pub(super) fn clear(directory: &Path) -> Result<(), RecordError> {
    let earlier = earlier(directory)?;
    for file in earlier {
        fs::remove_file(&file).map_err(RecordError::at(&file))?;
    }
    for part in [DEVICES, FRESH].map(|part| directory.join(part)) {
        fs::create_dir_all(&part).map_err(RecordError::at(&part))?;
    }
    for file in FILES.map(|file| directory.join(file)) {
        fs::write(&file, b"").map_err(RecordError::at(&file))?;
    }
    Ok(())
}

/// The files of an earlier recording, if there is nothing else.
fn earlier(directory: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let mut earlier = Vec::new();
    for path in entries(directory)? {
        match name(&path) {
            part @ (DEVICES | FRESH) if is_directory(&path)? => {
                for file in entries(&path)? {
                    earlier.push(recorded(file, |name| names_tape(part, name))?);
                }
            }
            _ => earlier.push(recorded(path, |name| FILES.contains(&name))?),
        }
    }
    Ok(earlier)
}

/// What is in a directory; nothing if there is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let failed = RecordError::at(directory);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()),
    };
    entries.map_err(failed)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Whether it is a directory itself: a link may lead to somebody else's.
fn is_directory(path: &Path) -> Result<bool, RecordError> {
    Ok(fs::symlink_metadata(path).map_err(RecordError::at(path))?.is_dir())
}

/// Whether a tape of devices or of fresh copies is called so.
fn names_tape(part: &str, name: &str) -> bool {
    let Some(id) = name.strip_suffix(".ndjson") else { return false };
    if part == DEVICES { DeviceId::from_str(id).is_ok() } else { AccountId::from_str(id).is_ok() }
}

/// The path again, if it is a file of a recording by its name and by how it begins.
fn recorded(path: PathBuf, is_ours: impl FnOnce(&str) -> bool) -> Result<PathBuf, RecordError> {
    let kind = fs::symlink_metadata(&path).map_err(RecordError::at(&path))?;
    if !kind.is_file() || !is_ours(name(&path)) {
        return Err(RecordError::Foreign { path });
    }
    let mut beginning = Vec::new();
    let file = File::open(&path).map_err(RecordError::at(&path))?;
    file.take(LONGEST_BEGINNING).read_to_end(&mut beginning).map_err(RecordError::at(&path))?;
    let is_recorded = beginning.is_empty() || BEGINNINGS.iter().any(|known| beginning.starts_with(known));
    if is_recorded { Ok(path) } else { Err(RecordError::Foreign { path }) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tempfile::TempDir;

    use super::*;

    const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);
    const ACCOUNT: AccountId = AccountId::from_bytes([2; 16]);

    /// An earlier recording, and a file more.
    fn recording(more: Option<(&str, &str)>) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        clear(directory.path()).unwrap();
        let of_device = format!("devices/{DEVICE}.ndjson");
        let of_account = format!("fresh/{ACCOUNT}.ndjson");
        let files = [
            (&*of_device, "{\"at\":5,\"what\":\"device\"}\n"),
            (&*of_account, "{\"at\":7,\"what\":\"page\"}\n"),
            ("sends.ndjson", "{\"account\":\"U\",\"at\":6}\n"),
        ];
        for (name, text) in files.into_iter().chain(more) {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    /// All files below a directory, with what they hold.
    fn contents(directory: &Path) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        for path in entries(directory).unwrap() {
            if path.is_dir() {
                found.extend(contents(&path));
            } else {
                found.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
        found
    }

    #[test]
    fn an_earlier_recording_is_replaced() {
        let directory = recording(None);
        clear(directory.path()).unwrap();
        let left = contents(directory.path());
        assert_eq!(left.into_values().collect::<String>(), "");
        assert_eq!(contents(&directory.path().join("devices")), BTreeMap::new());
    }

    #[test]
    fn what_is_no_recording_is_named_and_everything_left_as_it_is() {
        let of_nobody = "devices/phones.ndjson";
        let not_recorded = format!("devices/{}.ndjson", DeviceId::from_bytes([3; 16]));
        let nested = format!("fresh/{ACCOUNT}/notes.txt");
        let foreign = [
            ("notes.txt", "mine"),
            (of_nobody, "{\"at\":5}"),
            (&*not_recorded, "{\"phone\":\"mine\"}"),
            ("fresh/photo.jpg", "mine"),
            (&*nested, "mine"),
            ("sends.ndjson", "{\"to\":\"mine\"}"),
        ];
        for (name, text) in foreign {
            let directory = recording(Some((name, text)));
            let before = contents(directory.path());
            let refused = clear(directory.path()).unwrap_err();
            let RecordError::Foreign { path } = &refused else { panic!("{refused}") };
            assert!(directory.path().join(name).starts_with(path), "{refused}");
            assert_eq!(contents(directory.path()), before);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_devices_elsewhere_is_not_followed() {
        let (elsewhere, directory) = (recording(None), tempfile::tempdir().unwrap());
        let link = directory.path().join("devices");
        std::os::unix::fs::symlink(elsewhere.path().join("devices"), &link).unwrap();
        let before = contents(elsewhere.path());
        assert!(matches!(clear(directory.path()), Err(RecordError::Foreign { path }) if path == link));
        assert_eq!(contents(elsewhere.path()), before);
    }
}
