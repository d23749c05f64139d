//! What a node says, in a file: it survives the node, and no pipe can fill up.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Lines that are shown of a failing test's node.
const SHOWN: usize = 200;

pub(super) struct Output {
    path: PathBuf,
}

impl Output {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// A handle that writes at its end.
    pub(super) fn append(&self) -> File {
        OpenOptions::new().create(true).append(true).open(&self.path).expect("the output can be written")
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.path).unwrap_or_default()).into_owned()
    }

    pub(super) fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
    }
}
