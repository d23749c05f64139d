//! `denrei repair-store`: what a damaged store has lost, and giving it up.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use denrei_model::clock::SystemClock;
use denrei_storage::embedded::{EmbeddedOptions, Inspection, accept_loss, inspect};

/// Which store, and what to do.
#[derive(Args)]
pub(crate) struct RepairArgs {
    /// Where the store lies.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Give up what is lost. Every device will take snapshots.
    #[arg(long)]
    accept_loss: bool,
}

impl RepairArgs {
    /// Looks, says what was found, and gives the loss up if that is wanted. Fails while there is a fault.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(self.data_dir.is_dir(), "{}: there is no such directory", self.data_dir.display());
        let options = EmbeddedOptions { data_dir: self.data_dir, ..EmbeddedOptions::default() };
        let clock = SystemClock::new();
        let found = inspect(&options, &clock)?;
        print!("{}", words(&options.data_dir, &found));
        if found.fault.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
        if !self.accept_loss {
            println!(
                "`denrei repair-store --accept-loss` gives it up; every device takes snapshots when it comes back"
            );
            return Ok(ExitCode::FAILURE);
        }
        let accepted = accept_loss(&options, &clock)?;
        for copy in &accepted.set_aside {
            println!("set aside: {}", copy.display());
        }
        println!(
            "the loss was accepted: the store opens, and every device takes snapshots when it comes back"
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn words(data_dir: &Path, found: &Inspection) -> String {
    let number =
        |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let mut lines = vec![format!("store: {}", data_dir.display())];
    for journal in &found.journals {
        let state = if journal.damaged { "DAMAGED" } else { "whole" };
        lines.push(format!(
            "journal {}: {state}, good up to byte {}",
            journal.path.display(),
            journal.valid_bytes
        ));
    }
    lines.push(format!("last durable group of commits: {}", number(found.durable())));
    lines.push(format!("last group that can be kept: {}", number(found.kept)));
    match &found.fault {
        None => lines.push("fault: none, the store opens".to_owned()),
        Some(fault) => {
            lines.push(format!("fault: {fault}"));
            lines.push(format!("groups that would be given up: {}", number(found.lost())));
        }
    }
    lines.join("\n") + "\n"
}
