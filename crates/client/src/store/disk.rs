//! A copy on disk: the last FullSync as one file, and a log of the operations since.
//!
//! `copy.json` is written under another name, synced and renamed. `copy.log` has a line for each transaction; one that was cut
//! by a crash is left out, since its revision was never passed on. The log begins anew with each new copy.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use denrei_model::id::AccountId;
use denrei_model::wire::Position;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{LocalStore, StoreError};
use crate::machine::apply_raw;
use crate::state::LocalState;

/// Transactions in the log before it is folded into a new copy.
const FOLDED_AT: usize = 2_000;

/// Keeps a copy in a directory of its own.
pub struct DiskStore {
    directory: PathBuf,
    account: AccountId,
    log: Option<File>,
    lines: usize,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    position: Position,
    #[serde(borrow)]
    operations: Vec<&'a RawValue>,
}

impl DiskStore {
    /// A store in this directory, which is made if it is not there, for the copy of one account.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(directory: &Path, account: AccountId) -> Result<Self, StoreError> {
        fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned(), account, log: None, lines: 0 })
    }

    fn copy(&self) -> PathBuf {
        self.directory.join("copy.json")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("copy.log")
    }

    fn read_log(&mut self, state: &mut LocalState) -> Result<(), StoreError> {
        let file = match File::open(self.log()) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for text in BufReader::new(file).split(b'\n') {
            // A line cut by a crash was never reported as kept.
            let text = text?;
            let Ok(line) = serde_json::from_slice::<Line<'_>>(&text) else { break };
            // A crash between the new copy and the new log leaves lines that the copy holds already.
            let older = |known: Position| {
                known.log_id != line.position.log_id || line.position.revision <= known.revision
            };
            if state.position.is_none_or(older) {
                continue;
            }
            for operation in &line.operations {
                apply_raw(state, operation, self.account)
                    .map_err(|error| StoreError::Damaged(error.to_string()))?;
            }
            state.position = Some(line.position);
            self.lines += 1;
        }
        Ok(())
    }
}

impl LocalStore for DiskStore {
    fn load(&mut self) -> Result<Option<LocalState>, StoreError> {
        let text = match fs::read_to_string(self.copy()) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut state: LocalState =
            serde_json::from_str(&text).map_err(|error| StoreError::Damaged(error.to_string()))?;
        self.read_log(&mut state)?;
        // Folded at once, so that a cut line is not followed by others.
        self.replace(&state)?;
        Ok(Some(state))
    }

    fn append(&mut self, operations: &[&RawValue], position: Position) -> Result<(), StoreError> {
        if self.lines >= FOLDED_AT
            && let Some(mut state) = self.load()?
        {
            for operation in operations {
                apply_raw(&mut state, operation, self.account)
                    .map_err(|error| StoreError::Damaged(error.to_string()))?;
            }
            state.position = Some(position);
            return self.replace(&state);
        }
        let mut line = serde_json::to_vec(&Line { position, operations: operations.to_vec() })
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        line.push(b'\n');
        let path = self.log();
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(OpenOptions::new().create(true).append(true).open(path)?),
        };
        log.write_all(&line)?;
        log.sync_data()?;
        self.lines += 1;
        Ok(())
    }

    fn replace(&mut self, state: &LocalState) -> Result<(), StoreError> {
        let draft = self.directory.join("copy.new");
        let text = serde_json::to_vec(state).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut file = File::create(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        // The log is emptied after the copy that holds it is in place: replaying it on that changes nothing.
        fs::rename(&draft, self.copy())?;
        File::open(&self.directory)?.sync_all()?;
        self.log = Some(File::create(self.log())?);
        self.lines = 0;
        Ok(())
    }
}
