//! Reading a file so that all its faults are found, not just the first.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::Config;

/// Faults of one file, all of them.
#[derive(Debug)]
pub(crate) struct ConfigFaults {
    file: PathBuf,
    faults: Vec<String>,
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has {} fault(s):", self.file.display(), self.faults.len())?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

/// Most faults that are looked for.
const MOST: usize = 100;

impl Config {
    /// Reads a file.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigFaults> {
        let faults = |faults| ConfigFaults { file: file.to_owned(), faults };
        let text = std::fs::read_to_string(file).map_err(|error| faults(vec![error.to_string()]))?;
        Self::parse(&text).map_err(faults)
    }

    /// Reads a text: what does not fit is noted and taken out, until the rest does.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| vec![error.to_string()])?;
        let mut faults = Vec::new();
        loop {
            let error = match serde_path_to_error::deserialize::<_, Self>(Value::Table(table.clone())) {
                Ok(config) => {
                    faults.extend(config.faults());
                    return if faults.is_empty() { Ok(config) } else { Err(faults) };
                }
                Err(error) => error,
            };
            let mut path: Vec<String> = error.path().iter().filter_map(name).collect();
            let said = error.inner().message().to_owned();
            if let Some(unknown) =
                said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
                && path.last().is_none_or(|last| last != unknown)
            {
                path.push(unknown.to_owned());
            }
            faults.push(format!("{}: {said}", path.join(".")));
            if faults.len() >= MOST || !remove(&mut table, &path) {
                return Err(faults);
            }
        }
    }
}

fn name(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Takes a key out. False if it is not there.
fn remove(table: &mut Table, path: &[String]) -> bool {
    match path {
        [] => false,
        [key] => table.remove(key).is_some(),
        [key, rest @ ..] => match table.get_mut(key) {
            Some(Value::Table(inner)) => remove(inner, rest),
            Some(_) => table.remove(key).is_some(),
            None => false,
        },
    }
}
