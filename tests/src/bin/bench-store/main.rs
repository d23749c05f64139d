//! Durable sends a second through shards and actors, beside the very same encoded batches written into bare fjall, on the
//! same disk, in the same run, in turns. The ceiling is what the engine does with nothing before it.
//!
//! `cargo xtask bench store [-- --rounds 5 --sends 40000 --in-flight 1024]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod bare;
#[path = "../bench/machine.rs"]
mod machine;
mod node;
mod recording;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::path::PathBuf;

use clap::Parser;

use rounds::Rounds;
use verdict::verdict;

/// As the node has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Durable sends a second, beside bare fjall.
#[derive(Parser)]
struct Options {
    /// How often both are measured, in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sends of a round.
    #[arg(long, default_value_t = 40_000)]
    sends: usize,
    /// Sends that wait for their reply at once.
    #[arg(long, default_value_t = 1_024)]
    in_flight: usize,
    /// People who write to each other.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Where both stores are made; on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.dir)?;
    machine::say();
    let (mut ours, mut theirs, mut ratio) = (Rounds::default(), Rounds::default(), Rounds::default());
    println!("round   denrei sends/s   bare fjall sends/s   ratio   commits/group   commits/send");
    for round in 1..=options.rounds {
        let run = node::run(&options)?;
        let bare = bare::write(&options.dir, &run)?;
        let (sends, bare) = (run.sends_per_second(), run.sends as f64 / bare.as_secs_f64());
        println!(
            "{round:>5}   {sends:>14.0}   {bare:>18.0}   {:>5.2}   {:>13.1}   {:>12.2}",
            sends / bare,
            run.commits_per_group(),
            run.batches.len() as f64 / run.sends as f64,
        );
        ours.push(sends);
        theirs.push(bare);
        ratio.push(sends / bare);
    }
    machine::say();
    println!("median (least to most): denrei {ours} sends/s, bare fjall {theirs} sends/s, ratio {ratio}");
    verdict("durable sends, over bare fjall", ratio.median(), 0.6..);
    println!("wanted later: 0.8");
    Ok(())
}
