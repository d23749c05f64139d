//! Benchmarks: a name, and the binary of the tests' crate that measures it.

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::services::Service;
use crate::surroundings::say;
use crate::workspace::Workspace;
use crate::{child, decaton};

/// What can be measured. Each has a binary `bench-<name>` in `tests/src/bin/`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Bench {
    /// Durable sends a second, against the same batches written into bare fjall
    Store,
    /// A push to one device of many: latency beyond the commit, deliveries per core-second
    Push,
    /// One frame through the hub to thousands of streams
    Fanout,
    /// Resident memory of an idle HTTP/2 stream
    Idle,
    /// Resident memory of an active, idle account
    Actors,
    /// Tasks a second through the queue, on its own log and on Kafka, beside Decaton and a bare loop
    Queue,
}

impl Bench {
    fn binary(self) -> String {
        format!(
            "bench-{}",
            self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
        )
    }
}

/// Runs a benchmark, or prints the list.
pub(crate) fn run(workspace: &Workspace, asked: Option<Bench>, arguments: &[String]) -> Result<bool> {
    let binaries =
        workspace.member("denrei-tests").map(|tests| tests.binaries.as_slice()).unwrap_or_default();
    let Some(bench) = asked else {
        say(listing(binaries));
        return Ok(true);
    };
    let binary = bench.binary();
    if !binaries.contains(&binary) {
        bail!("there is no tests/src/bin/{binary}.rs yet\n{}", listing(binaries));
    }
    let mut command = child::cargo();
    command.args(["run", "--release", "-p", "denrei-tests", "--bin", &binary, "--"]).args(arguments);
    if bench == Bench::Queue {
        command.envs(beside_the_queue(workspace));
    }
    command.current_dir(workspace.root());
    child::succeeds(&mut command)
}

/// What the queue is measured on and beside, where it is there: the broker that was given or brought up, and Decaton.
fn beside_the_queue(workspace: &Workspace) -> Vec<(&'static str, String)> {
    let address = Service::Kafka.address();
    if !Service::answers(&address) {
        return Vec::new();
    }
    let mut variables = vec![(Service::Kafka.variable(), address)];
    match decaton::class_path(workspace) {
        Ok(class_path) => variables.push((decaton::VARIABLE, class_path)),
        Err(error) => say(format_args!("Decaton is not to be had: {error:#}")),
    }
    variables
}

fn listing(binaries: &[String]) -> String {
    let lines = Bench::value_variants().iter().filter_map(|bench| {
        let value = bench.to_possible_value()?;
        let missing = if binaries.contains(&bench.binary()) { "" } else { " (not built yet)" };
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        Some(format!("  {:<8}{help}{missing}", value.get_name()))
    });
    std::iter::once("benchmarks:".to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_tells_those_that_exist_from_those_that_do_not() {
        let list = listing(&["bench-store".to_owned()]);
        let line = |name: &str| list.lines().find(|line| line.trim().starts_with(name)).unwrap().to_owned();
        assert!(!line("store").contains("not built yet"));
        assert!(line("push").contains("not built yet"));
    }
}
