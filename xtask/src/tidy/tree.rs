//! What the rules look at: the files of the tree, and its crates.

use std::fmt;

use anyhow::Result;

use crate::workspace::{Crate, Workspace};

/// A file, as text; one that is not text is not in the tree.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// Files and crates.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// In order of path.
    pub(crate) files: Vec<Source>,
    /// The members of the workspace.
    pub(crate) crates: Vec<Crate>,
}

/// Something that is not as it must be.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Finding {
    /// The rule, as an exception names it.
    pub(crate) rule: &'static str,
    /// Where.
    pub(crate) path: String,
    /// What is wrong, and what would be right.
    pub(crate) what: String,
}

impl Finding {
    /// A finding about a path.
    pub(crate) fn new(rule: &'static str, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { rule, path: path.into(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.path, self.what)
    }
}

impl Tree {
    /// Reads the files that git knows or would know next.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let files = workspace.files()?.into_iter().filter_map(|path| {
            let text = std::fs::read_to_string(workspace.root().join(&path)).ok()?;
            Some(Source { path, text })
        });
        Ok(Self { files: files.collect(), crates: workspace.crates().to_vec() })
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The Rust files below a folder.
    pub(crate) fn rust_below(&self, folder: &str) -> impl Iterator<Item = &Source> {
        let folder = format!("{folder}/");
        self.rust().filter(move |file| file.path.starts_with(&folder))
    }

    /// The file at this path.
    pub(crate) fn file(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl Source {
    /// Whether the file is there for tests, examples or benchmarks only.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "examples" | "benches"))
    }
}

/// A tree of a few files, for the tests of the rules.
#[cfg(test)]
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
    Tree { files: files.iter().map(file).collect(), crates: Vec::new() }
}

/// A crate in `crates/`, for the tests of the rules.
#[cfg(test)]
pub(crate) fn member(name: &str, dependencies: &[&str]) -> Crate {
    Crate {
        name: name.to_owned(),
        folder: format!("crates/{}", name.trim_start_matches("denrei-")),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        features: Vec::new(),
        binaries: Vec::new(),
    }
}

/// The paths that a rule finds fault with.
#[cfg(test)]
pub(crate) fn faults(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.path.as_str()).collect()
}
