//! One message to five thousand streams: of one account, so that it is one frame that the hub appends five thousand times.
//! The real node has one core, the devices have the other.
//!
//! Beside it, in turns, a loop that only writes as many bytes to as many sockets: what the system's calls cost, and the ceiling of
//! everything that writes to each socket once.
//!
//! A *single* is a message that all streams have before the next one is sent; a *burst* is many messages sent at once.
//!
//! `cargo xtask bench fanout [-- --rounds 5 --streams 5000 --burst 16]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod bare;
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

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use tokio::task::LocalSet;

use bare::Bare;
use rounds::Rounds;
use stage::{Measured, Stage};
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
    burst: u8,
    /// To be the loop, at this address; how the benchmark calls itself.
    #[arg(long, hide = true)]
    bare: Option<SocketAddr>,
    /// Bytes of a frame of the loop.
    #[arg(long, hide = true, default_value_t = 0)]
    frame: usize,
    /// Where the node keeps its data.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(listen) = options.bare {
        return bare::serve(listen, options.frame);
    }
    LocalSet::new().run_until(run(&options)).await
}

async fn run(options: &Options) -> anyhow::Result<()> {
    machine::say();
    let stage = Stage::open(&options.dir, options.streams).await?;
    let burst = usize::from(options.burst);
    for at_once in [1, burst] {
        stage.send(at_once).await?;
    }
    let mut bare = Bare::start(options.streams, stage.frame()).await?;
    let (mut singles, mut bursts, mut time) = (Side::default(), Side::default(), Rounds::default());
    println!("deliveries per core-second");
    println!("round   single   bare loop   burst   bare loop   ms until all have a single");
    for round in 1..=options.rounds {
        let single = stage.measure(options.singles, 1).await?;
        let bare_single = bare.measure(options.singles, 1).await?;
        let burst = stage.measure(options.bursts, burst).await?;
        let bare_burst = bare.measure(options.bursts, options.burst).await?;
        println!(
            "{round:>5} {:>8.0} {:>11.0} {:>7.0} {:>11.0} {:>28.1}",
            single.per_core_second,
            bare_single.per_core_second,
            burst.per_core_second,
            bare_burst.per_core_second,
            single.milliseconds
        );
        singles.push(&single, &bare_single);
        bursts.push(&burst, &bare_burst);
        time.push(single.milliseconds);
    }
    machine::say();
    println!("median (least to most) of frames of {} bytes, per core-second:", stage.frame());
    println!("  single {}, the bare loop {}: {} of it", singles.ours, singles.bare, singles.ratio);
    println!("  burst {}, the bare loop {}: {} of it", bursts.ours, bursts.bare, bursts.ratio);
    println!("  all streams have a single after {time} ms");
    println!("Centrifugo 6.9, one message to 5,000 streams, measured elsewhere on a like machine:");
    println!("  43 to 51 k per core-second");
    verdict("single, deliveries per core-second", singles.ours.median(), 90_000.0..);
    verdict("burst, deliveries per core-second", bursts.ours.median(), 800_000.0..);
    Ok(())
}

/// What we reached, what the loop did, and the ratio, round by round.
#[derive(Default)]
struct Side {
    ours: Rounds,
    bare: Rounds,
    ratio: Rounds,
}

impl Side {
    fn push(&mut self, ours: &Measured, bare: &Measured) {
        self.ours.push(ours.per_core_second);
        self.bare.push(bare.per_core_second);
        self.ratio.push(ours.per_core_second / bare.per_core_second);
    }
}
