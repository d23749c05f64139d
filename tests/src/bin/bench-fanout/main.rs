//! One message to five thousand streams: of one account, so that it is one frame that the hub appends five thousand times.
//! The real node has one core, the devices have the other.
//!
//! A *single* is a message that all streams have before the next one is sent; a *burst* is many messages sent at once.
//!
//! `cargo xtask bench fanout [-- --rounds 5 --streams 5000 --burst 16]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../bench/cpu.rs"]
mod cpu;
#[path = "../bench/machine.rs"]
mod machine;
#[path = "../bench/mark.rs"]
mod mark;
#[path = "../bench/node.rs"]
mod node;
#[path = "../bench/people.rs"]
mod people;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/server.rs"]
mod server;
mod stage;
#[path = "../bench/streams.rs"]
mod streams;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::path::PathBuf;

use clap::Parser;
use tokio::task::LocalSet;

use rounds::Rounds;
use stage::Stage;
use verdict::verdict;

/// Deliveries per core-second of one frame to many streams.
#[derive(Parser)]
struct Options {
    /// How often singles and bursts are measured, in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Streams of the account.
    #[arg(long, default_value_t = 5_000)]
    streams: usize,
    /// Singles of a round.
    #[arg(long, default_value_t = 20)]
    singles: usize,
    /// Bursts of a round.
    #[arg(long, default_value_t = 10)]
    bursts: usize,
    /// Messages of a burst. More than about 30 do not fit a stream's outbox, and the log is read instead.
    #[arg(long, default_value_t = 16)]
    burst: usize,
    /// Where the node keeps its data.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    LocalSet::new().run_until(run(&options)).await
}

async fn run(options: &Options) -> anyhow::Result<()> {
    machine::say();
    let stage = Stage::open(&options.dir, options.streams).await?;
    stage.send(options.burst).await?;
    let (mut single, mut burst, mut time) = (Rounds::default(), Rounds::default(), Rounds::default());
    println!("round   single: per core-second   ms until all have it   burst: per core-second");
    for round in 1..=options.rounds {
        let singles = stage.measure(options.singles, 1).await?;
        let bursts = stage.measure(options.bursts, options.burst).await?;
        println!(
            "{round:>5} {:>25.0} {:>22.1} {:>24.0}",
            singles.per_core_second, singles.milliseconds, bursts.per_core_second
        );
        single.push(singles.per_core_second);
        time.push(singles.milliseconds);
        burst.push(bursts.per_core_second);
    }
    machine::say();
    println!("median (least to most), per core-second: single {single}, burst {burst}");
    println!("  all streams have a single after {time} ms");
    println!("Centrifugo 6.9, one message to 5,000 streams, measured elsewhere on a like machine:");
    println!("  43 to 51 k per core-second");
    verdict("single, deliveries per core-second", single.median(), 90_000.0..);
    verdict("burst, deliveries per core-second", burst.median(), 800_000.0..);
    Ok(())
}
