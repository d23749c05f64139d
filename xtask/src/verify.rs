//! The gate: every step by name with its time, all of them even after one that failed, and a summary.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::surroundings::{now, say};
use crate::test::{Phase, Selection, Session, Tally};
use crate::workspace::Workspace;
use crate::{child, surroundings, tidy};

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

/// The steps so far.
#[derive(Default)]
struct Gate {
    steps: Vec<(&'static str, Outcome, Duration)>,
}

/// Runs every step; `true` if none failed.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let mut gate = Gate::default();
    let cargo = |arguments: &[&str]| {
        let mut command = child::cargo();
        command.args(arguments).current_dir(workspace.root());
        command
    };
    gate.step("fmt", || passes(&mut cargo(&["fmt", "--all", "--check"])));
    gate.step("tidy", || Ok(judged(tidy::run(workspace)?)));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    gate.step("clippy", || passes(&mut cargo(&clippy)));
    let tally = tests(&mut gate, workspace);
    let docs = ["doc", "--workspace", "--no-deps"];
    gate.step("docs", || passes(cargo(&docs).env("RUSTDOCFLAGS", "-D warnings")));
    gate.step("deny", || deny(&mut cargo(&["deny", "check"])));
    say(gate.summary());
    say(&tally);
    Ok(gate.is_open())
}

fn tests(gate: &mut Gate, workspace: &Workspace) -> Tally {
    let selection = Selection::default();
    let mut tally = Tally::default();
    let mut session = None;
    gate.step("binaries and services for tests", || {
        session = Some(Session::open(workspace, &selection)?);
        Ok(Outcome::Passed)
    });
    let Some(session) = session else { return tally };
    for (name, phase) in [("tests", Phase::Targets), ("doc tests", Phase::Docs)] {
        gate.step(name, || {
            let (well, figures) = session.run(phase)?;
            tally.add(figures);
            Ok(judged(well))
        });
    }
    session.close(&tally);
    tally
}

fn passes(command: &mut Command) -> Result<Outcome> {
    Ok(judged(child::succeeds(command)?))
}

const fn judged(well: bool) -> Outcome {
    if well { Outcome::Passed } else { Outcome::Failed }
}

/// Licences, advisories, doubles: where `cargo deny` is installed.
fn deny(command: &mut Command) -> Result<Outcome> {
    if surroundings::has_program("cargo-deny") {
        passes(command)
    } else {
        Ok(Outcome::Skipped("cargo-deny is not installed"))
    }
}

impl Gate {
    /// A step that cannot be carried out has failed.
    fn step(&mut self, name: &'static str, step: impl FnOnce() -> Result<Outcome>) {
        say(format_args!("\n=== {name}"));
        let started = now();
        let outcome = step().unwrap_or_else(|error| {
            say(format_args!("{name}: {error:#}"));
            Outcome::Failed
        });
        let took = started.elapsed();
        self.steps.push((name, outcome, took));
        say(format_args!("=== {}", line(name, outcome, took)));
    }

    fn is_open(&self) -> bool {
        self.steps.iter().all(|(_, outcome, _)| *outcome != Outcome::Failed)
    }

    fn summary(&self) -> String {
        let lines =
            self.steps.iter().map(|(name, outcome, took)| format!("  {}\n", line(name, *outcome, *took)));
        let verdict = if self.is_open() { "passed" } else { "FAILED" };
        format!("\nverify:\n{}  {verdict}", lines.collect::<String>())
    }
}

fn line(name: &str, outcome: Outcome, took: Duration) -> String {
    let word = match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed => "FAILED".to_owned(),
        Outcome::Skipped(reason) => format!("skipped: {reason}"),
    };
    format!("{name:<32}{:>8.1} s  {word}", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_closes_the_gate_and_the_steps_after_it_still_run() {
        let mut gate = Gate::default();
        gate.step("one", || Ok(Outcome::Skipped("not here")));
        assert!(gate.is_open());
        gate.step("two", || anyhow::bail!("cannot"));
        gate.step("three", || Ok(Outcome::Passed));
        assert!(!gate.is_open());
        let summary = gate.summary();
        assert!(summary.contains("three") && summary.ends_with("FAILED"), "{summary}");
    }
}
