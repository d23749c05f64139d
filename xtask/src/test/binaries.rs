//! The binaries that end-to-end tests start: the node as it is released, and the node with points of failure.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::child;
use crate::workspace::Workspace;

const NODE: &str = "denrei";
const FAULTS: &str = "faults";

/// Builds them; each with the variable that tells the tests where it is.
///
/// The one with faults is built first and copied, in the same target directory: all but a few crates are shared, and what stays
/// behind as `release/denrei` is the real one.
pub(crate) fn build(workspace: &Workspace) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut built = Vec::new();
    let released = workspace.target().join("release").join(NODE);
    let has_faults =
        workspace.member(NODE).is_some_and(|node| node.features.iter().any(|name| name == FAULTS));
    if has_faults {
        make(workspace, &["--features", FAULTS])?;
        let folder = workspace.target().join(FAULTS);
        fs::create_dir_all(&folder)?;
        let kept = folder.join(NODE);
        // A copy under another name first: a running one is not written over.
        let fresh = folder.join("denrei.new");
        fs::copy(&released, &fresh).with_context(|| format!("cannot copy {}", released.display()))?;
        fs::rename(fresh, &kept)?;
        built.push(("DENREI_FAULTS_BIN", kept));
    }
    make(workspace, &[])?;
    built.push(("DENREI_BIN", released));
    Ok(built)
}

fn make(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let mut build = child::cargo();
    build.args(["build", "--release", "-p", NODE, "--bin", NODE]).args(arguments);
    child::run(build.current_dir(workspace.root()))
}
