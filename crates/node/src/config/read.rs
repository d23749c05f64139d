//! Reading a file so that all its faults are found, not just the first, and none that follows from another.

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
            write!(f, "\n  {}", fault.trim_end().replace('\n', "\n  "))?;
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
        Self::load_with(file, |_| {})
    }

    /// Reads a file, what it says being changed before it is judged as a whole.
    pub(crate) fn load_with(file: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, ConfigFaults> {
        let faults = |faults| ConfigFaults { file: file.to_owned(), faults };
        let text = std::fs::read_to_string(file).map_err(|error| faults(vec![error.to_string()]))?;
        Self::parse(&text, change).map_err(faults)
    }

    /// Reads a text: what does not fit is noted and taken out, until the rest does.
    pub(crate) fn parse(text: &str, change: impl FnOnce(&mut Self)) -> Result<Self, Vec<String>> {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| vec![error.to_string()])?;
        let mut faults = Vec::new();
        let mut gone: Vec<String> = Vec::new();
        let mut config = loop {
            let error = match serde_path_to_error::deserialize::<_, Self>(Value::Table(table.clone())) {
                Ok(config) => break config,
                Err(error) => error,
            };
            let mut steps: Vec<Step> = error.path().iter().filter_map(step).collect();
            let said = error.inner().message();
            if let Some(unknown) = quoted(said, "unknown field `")
                && !matches!(steps.last(), Some(Step::Key(last)) if last == unknown)
            {
                steps.push(Step::Key(unknown.to_owned()));
            }
            let path = text_of(&steps);
            let follows = quoted(said, "missing field `")
                .is_some_and(|missing| gone.contains(&format!("{path}.{missing}")));
            if !follows {
                faults.push(told(&path, value(&table, &steps), said));
            }
            if faults.len() >= MOST || !remove(&mut table, &steps) {
                return Err(faults);
            }
            gone.push(path);
        };
        change(&mut config);
        // What was taken out has its default by now, which says nothing about the file.
        let founded =
            config.faults().into_iter().filter(|fault| !gone.iter().any(|gone| fault.comes_from(gone)));
        faults.extend(founded.map(|fault| fault.said));
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }
}

/// A step on the way to a value.
enum Step {
    Key(String),
    Index(usize),
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// The key that a way leads to. Which element of a list it is, its value shows.
fn text_of(steps: &[Step]) -> String {
    let keys = steps.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

/// The name that follows this beginning, up to its closing quote.
fn quoted<'a>(said: &'a str, beginning: &str) -> Option<&'a str> {
    said.strip_prefix(beginning)?.split('`').next()
}

/// A fault of one value, which is shown if what is said of it does not show it.
fn told(path: &str, value: Option<&Value>, said: &str) -> String {
    match value {
        Some(Value::String(text)) if !said.contains(text.as_str()) || text.is_empty() => {
            format!("{path}: {text:?}: {said}")
        }
        _ => format!("{path}: {said}"),
    }
}

fn value<'a>(table: &'a Table, steps: &[Step]) -> Option<&'a Value> {
    let (Step::Key(first), rest) = steps.split_first()? else { return None };
    rest.iter().try_fold(table.get(first)?, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(*index),
    })
}

/// Takes a value out of its table or list. False if it is not there.
fn remove(table: &mut Table, steps: &[Step]) -> bool {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return false };
    match (table.get_mut(key), rest) {
        (None, _) => false,
        (Some(Value::Table(inner)), [_, ..]) => remove(inner, rest),
        (Some(Value::Array(list)), [Step::Index(index)]) if *index < list.len() => {
            list.remove(*index);
            true
        }
        (Some(_), _) => table.remove(key).is_some(),
    }
}
