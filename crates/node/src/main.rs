//! The `denrei` binary: configuration, assembly, command line, and the node's own jobs on the queue. Nothing else lives here.
//!
//! ```text
//! denrei serve          config ──► store ──► runtime ──► gateway ──► HTTP, jobs; and back again on SIGTERM
//! denrei check-config   the faults of a configuration file, all at once
//! denrei replay, load   devices against a node, and a verdict
//! denrei repair-store   what a damaged store has lost, and giving it up
//! denrei queue          looking after the queues of a running node
//! ```

mod causes;
mod cli;
mod command;
mod config;
mod jobs;
mod logging;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            command::complain(&format!("denrei: {}", causes::causes(&error)));
            ExitCode::FAILURE
        }
    }
}
