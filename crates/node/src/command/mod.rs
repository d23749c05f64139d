//! Commands that are over soon.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a command is asked for goes to the terminal")]

use std::path::Path;
use std::process::ExitCode;

use denrei_storage::embedded::repair;

use crate::config::Config;

/// Says what went wrong.
pub(crate) fn complain(what: &str) {
    eprintln!("{what}");
}

/// Says all that is wrong with a file.
pub(crate) fn check_config(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => {
            println!("{}: ok", file.display());
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::FAILURE
        }
    }
}

/// Says what a store has lost; gives it up if that is wanted.
pub(crate) fn repair_store(data_dir: &Path, accept_loss: bool) -> anyhow::Result<ExitCode> {
    let report = repair::inspect(data_dir)?;
    println!("{report}");
    if accept_loss {
        repair::accept_loss(data_dir)?;
        println!("the loss was accepted: every device takes snapshots when it comes back");
    }
    Ok(ExitCode::SUCCESS)
}
