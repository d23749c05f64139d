//! What cargo and git know: the root, the target directory, the crates, the files.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::{child, surroundings};

/// The workspace as `cargo metadata` tells it.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    crates: Vec<Crate>,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    /// Its name, `denrei-storage` for instance.
    pub(crate) name: String,
    /// Its folder, relative to the root.
    pub(crate) folder: String,
    /// What it depends on when it is built, tests apart.
    pub(crate) dependencies: Vec<String>,
    /// Its features.
    pub(crate) features: Vec<String>,
    /// Its binaries.
    pub(crate) binaries: Vec<String>,
}

/// The folder of this crate. Cargo says it to what it runs: a binary in a target directory that several clones share may have
/// been built by another of them.
pub(crate) fn home() -> PathBuf {
    surroundings::variable("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let mut ask = child::cargo();
        ask.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(home());
        let told: Metadata = serde_json::from_str(&child::output(&mut ask)?)
            .context("cargo metadata answered what was not expected")?;
        let crates = told.packages.iter().map(|package| package.to_crate(&told.workspace_root)).collect();
        Ok(Self { root: told.workspace_root, target: told.target_directory, crates })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Every member.
    pub(crate) fn crates(&self) -> &[Crate] {
        &self.crates
    }

    /// The member with this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Crate> {
        self.crates.iter().find(|member| member.name == name)
    }

    /// Every file that is tracked, or would be with the next `git add`; relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut ask = Command::new("git");
        ask.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let told = child::output(&mut ask)?;
        let mut files: Vec<String> =
            told.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        files.sort_unstable();
        files.dedup();
        files.retain(|path| self.root.join(path).is_file());
        Ok(files)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    features: std::collections::BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    fn to_crate(&self, root: &Path) -> Crate {
        let folder = self.manifest_path.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let built = self.dependencies.iter().filter(|dependency| dependency.kind.is_none());
        let binaries = self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        Crate {
            name: self.name.clone(),
            folder: folder.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default(),
            dependencies: built.map(|dependency| dependency.name.clone()).collect(),
            features: self.features.keys().cloned().collect(),
            binaries: binaries.map(|target| target.name.clone()).collect(),
        }
    }
}
