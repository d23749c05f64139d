//! Tasks a second through the queue, beside a bare loop over the same log in the same run, in turns; with and without keys; on
//! the embedded log and, where `DENREI_KAFKA` says that there is one, on Kafka.
//!
//! ```text
//! cell    one way to run tasks: permits of a partition, and how long a task takes
//! ground  a log with its topics, filled once; every measurement reads it as a group of its own
//! drain   a bare loop over the log, and a subscription: tasks a second, processor time
//! ```
//!
//! `cargo xtask bench queue [-- --rounds 3 --tasks 200000]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod cell;
#[path = "../bench/cpu.rs"]
mod cpu;
mod drain;
mod ground;
#[path = "../bench/machine.rs"]
mod machine;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::path::PathBuf;

use clap::Parser;

use cell::{CELLS, Cell, Tally};
use ground::{Backend, Ground};

/// Tasks a second through the queue.
#[derive(Parser)]
struct Options {
    /// How often everything is measured, in turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Tasks that take no time.
    #[arg(long, default_value_t = 200_000)]
    tasks: u64,
    /// Tasks that take 10 ms; at most as many as the others.
    #[arg(long, default_value_t = 20_000)]
    slow_tasks: u64,
    /// Different keys, where there are any.
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
    /// Where the embedded log is made.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    machine::say();
    for backend in [Backend::Embedded, Backend::Kafka] {
        for keyed in [true, false] {
            if let Some(ground) = Ground::prepare(backend, keyed, &options).await? {
                measure(&ground, &options).await?;
            }
        }
    }
    machine::say();
    println!("Decaton 9.5 on Kafka, keyed, measured elsewhere on a like machine:");
    println!(
        "  0 ms a task: 0.34 to 0.79 M/s at 1 permit, 0.28 to 0.37 M/s at 20; 3.3 to 6.7 CPU-s per million"
    );
    println!("  10 ms a task: 6.9 k/s at 20 threads a partition, 56 k/s at a virtual thread a key");
    Ok(())
}

async fn measure(ground: &Ground, options: &Options) -> anyhow::Result<()> {
    let cells: Vec<&Cell> = CELLS.iter().filter(|cell| ground.keyed || !cell.per_key()).collect();
    let mut bare = Tally::default();
    let mut tallies: Vec<Tally> = cells.iter().map(|_| Tally::default()).collect();
    for _ in 0..options.rounds {
        bare.push(&drain::bare(ground, options.tasks).await?);
        for (cell, tally) in cells.iter().zip(&mut tallies) {
            tally.push(&drain::queue(ground, cell, cell.tasks(options)).await?);
        }
    }
    println!("{}: median (least to most)", ground.name());
    bare.say("bare loop over the log");
    for (cell, tally) in cells.iter().zip(&tallies) {
        tally.say(&cell.to_string());
        cell.judge(tally, &bare, options);
    }
    ground.clear().await
}
