//! Decaton, to stand beside our queue: its jars by Maven, and the small programs of `tests/decaton/` compiled against them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::services::jars::{self, Bill};
use crate::workspace::Workspace;
use crate::{child, surroundings};

/// The variable that tells tests and benchmarks the class path.
pub(crate) const VARIABLE: &str = "DENREI_DECATON";

const BILL: Bill = Bill {
    name: "decaton-9.5.0",
    artifacts: &[
        ("com.linecorp.decaton", "decaton-processor", "9.5.0"),
        // Of the line that its own slf4j-api has: one of 2 would not be found.
        ("org.slf4j", "slf4j-nop", "1.7.36"),
    ],
};

/// Names a folder with Decaton's jars, for where Maven has them not.
const JARS: &str = "DENREI_DECATON_JARS";

const SOURCES: &str = "tests/decaton";

/// The class path of our programs, Decaton's jars with it; an error that says what is missing.
pub(crate) fn class_path(workspace: &Workspace) -> Result<String> {
    for program in ["java", "javac"] {
        if !surroundings::has_program(program) {
            bail!("there is no {program} on the path");
        }
    }
    let folder = workspace.target().join("decaton");
    let classes = folder.join("classes");
    fs::create_dir_all(&classes)?;
    let jars = match surroundings::variable(JARS) {
        Some(given) => PathBuf::from(given),
        None => jars::fetch(&BILL, &folder).with_context(|| format!("{JARS} may name a folder of them"))?,
    };
    let jars = jars.join("*");
    let mut compile = Command::new("javac");
    compile.arg("-cp").arg(&jars).arg("-d").arg(&classes).args(sources(workspace)?);
    child::output(&mut compile).context("our programs for Decaton do not compile")?;
    Ok(format!("{}:{}", classes.display(), jars.display()))
}

fn sources(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root().join(SOURCES);
    let listed = fs::read_dir(&folder).with_context(|| format!("{} is not there", folder.display()))?;
    let paths = listed.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "java")).collect())
}
