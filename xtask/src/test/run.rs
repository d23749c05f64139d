//! One run of the tests, from what it needs to its closing line.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::needs::Needs;
use super::reading::Reading;
use super::selection::Selection;
use super::tally::Tally;
use super::{binaries, watch};
use crate::child;
use crate::surroundings::say;
use crate::workspace::Workspace;

/// Compiling in silence and the longest test both stay well below; a hang shall not eat the hour of a build machine.
const SILENCE: Duration = Duration::from_mins(20);

/// The two kinds of `cargo test`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Unit and integration tests. That examples and benchmarks compile is seen to by clippy.
    Targets,
    /// The examples in the documentation.
    Docs,
}

/// What is there while tests run: binaries, services, the file in which skips are noted.
pub(crate) struct Session<'a> {
    workspace: &'a Workspace,
    selection: &'a Selection,
    binaries: Vec<(&'static str, PathBuf)>,
    needs: Needs,
    skips: PathBuf,
}

/// Runs what is selected; `true` if nothing failed.
pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<bool> {
    let session = Session::open(workspace, selection)?;
    let (targets_well, mut tally) = session.run(Phase::Targets)?;
    let (docs_well, docs) = session.run(Phase::Docs)?;
    tally.add(docs);
    session.close(&tally);
    say(&tally);
    Ok(targets_well && docs_well)
}

impl<'a> Session<'a> {
    /// Builds and brings up what the selected tests need.
    pub(crate) fn open(workspace: &'a Workspace, selection: &'a Selection) -> Result<Self> {
        let binaries = if selection.wants_binaries() { binaries::build(workspace)? } else { Vec::new() };
        let needs =
            if selection.wants_services() { Needs::bring_up(workspace)? } else { Needs::none(workspace) };
        let skips = workspace.target().join(format!("skips-{}.txt", std::process::id()));
        Ok(Self { workspace, selection, binaries, needs, skips })
    }

    /// Runs one phase: whether all is well, and the figures.
    pub(crate) fn run(&self, phase: Phase) -> Result<(bool, Tally)> {
        fs::write(&self.skips, "")?;
        let mut command = child::cargo();
        command.args(["test", "--no-fail-fast"]).args(self.selection.packages());
        match phase {
            Phase::Targets => command.arg("--tests"),
            Phase::Docs => command.arg("--doc"),
        };
        command.arg("--").arg("--show-output").args(&self.selection.filter);
        command.envs(self.binaries.iter().map(|(name, path)| (name, path)));
        command.envs(self.needs.variables.iter().map(|(name, address)| (name, address)));
        command.env("DENREI_SKIPS", &self.skips).current_dir(self.workspace.root());
        let mut reading = Reading::default();
        let succeeded = watch::watch(&mut command, SILENCE, |line| {
            if reading.take(line) {
                say(line);
            }
        })?;
        let mut tally = reading.finish();
        fs::read_to_string(&self.skips)?.lines().for_each(|line| tally.note(line.trim()));
        fs::remove_file(&self.skips)?;
        Ok((succeeded && tally.failed == 0, tally))
    }

    /// Says what was skipped and why, and takes the services down.
    pub(crate) fn close(self, tally: &Tally) {
        let skips = tally.skips();
        if !skips.is_empty() {
            say(format_args!("skipped:\n{}", skips.trim_end()));
        }
        for missing in &self.needs.missing {
            say(missing);
        }
    }
}
