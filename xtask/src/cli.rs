//! The command line: what can be asked for, and who answers.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::bench::Bench;
use crate::services::{Action, Service};
use crate::surroundings::say;
use crate::test::Selection;
use crate::workspace::Workspace;
use crate::{bench, services, test, tidy, verify};

/// The task runner of denrei.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// The gate: formatting, lints, tidy, tests, doc tests, docs, licences and advisories
    Verify,
    /// Builds what the tests need, brings up their services, runs them, and says what was skipped
    Test(Selection),
    /// Kafka, Cassandra, Redis and Central Dogma for tests, with or without a container engine
    Services(ServicesArgs),
    /// Measures one thing, its ceiling or peer beside it
    Bench(BenchArgs),
    /// Holds what clippy cannot: module docs, file budgets, crate directions, pages of error codes
    Tidy,
}

#[derive(Args, Debug)]
struct ServicesArgs {
    /// What to do
    action: Action,
    /// Which of them; all if none is named
    services: Vec<Service>,
    /// The folder of their state [default: services/ in the target directory]
    #[arg(long)]
    state: Option<std::path::PathBuf>,
}

#[derive(Args, Debug)]
struct BenchArgs {
    /// What to measure; without it, the list is printed
    bench: Option<Bench>,
    /// Passed on to the benchmark
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Parses the arguments, does the task, and makes an exit code of the outcome.
pub(crate) fn main() -> ExitCode {
    match carry_out(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// `false` means: carried out, and what it judges is not as it must be.
fn carry_out(task: Task) -> Result<bool> {
    let workspace = Workspace::find()?;
    match task {
        Task::Verify => verify::run(&workspace),
        Task::Test(selection) => test::run(&workspace, &selection),
        Task::Services(asked) => {
            let state = asked.state.unwrap_or_else(|| workspace.target().join("services"));
            services::run(asked.action, &asked.services, &state)
        }
        Task::Bench(asked) => bench::run(&workspace, asked.bench, &asked.arguments),
        Task::Tidy => tidy::run(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_bench_is_answered_with_those_that_exist() {
        let refusal = Cli::try_parse_from(["xtask", "bench", "speed"]).unwrap_err().to_string();
        for name in ["store", "push", "fanout", "idle", "actors", "queue"] {
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
