//! Commands that are over soon.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a command is asked for goes to the terminal"
)]

mod load;
mod queue;
mod repair_store;
mod replay;

use std::path::Path;
use std::process::ExitCode;

pub(crate) use load::LoadArgs;
pub(crate) use queue::QueueArgs;
pub(crate) use repair_store::RepairArgs;
pub(crate) use replay::ReplayArgs;

use denrei_model::clock::{Clock as _, SystemClock};

use crate::config::Config;

/// Says what went wrong.
pub(crate) fn complain(what: &str) {
    eprintln!("{what}");
}

/// Says all that is wrong with a file.
pub(crate) fn check_config(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(config) => {
            for warning in config.warnings(SystemClock::new().now()) {
                eprintln!("{}: warning: {warning}", file.display());
            }
            println!("{}: ok", file.display());
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::FAILURE
        }
    }
}
