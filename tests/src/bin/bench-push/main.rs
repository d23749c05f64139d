//! A thousand messages a second, each to one of two thousand devices, durable: the real node beside Redis doing the same by
//! `SET` and `PUBLISH` under `appendfsync always`, in turns. Servers have one core, the load has the other.
//!
//! ```text
//! load    so many sends a second, whatever the server does (open loop)
//! ours    a send is a POST; durable when it is answered, pushed when the receiver's stream has it
//! redis   a send is a SET and a PUBLISH, in one write; pushed when the subscriber of the channel has it
//! bare    a loop that takes the same two commands, appends, syncs, answers and pushes, and does nothing else: the ceiling
//! times   when each message was sent, durable, pushed
//! ```
//!
//! `cargo xtask bench push [-- --rounds 5 --rate 1000 --devices 2000]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod bare;
#[path = "../bench/cpu.rs"]
mod cpu;
mod load;
#[path = "../bench/machine.rs"]
mod machine;
#[path = "../bench/mark.rs"]
mod mark;
#[path = "../bench/node.rs"]
mod node;
mod ours;
#[path = "../bench/people.rs"]
mod people;
mod redis;
mod report;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/server.rs"]
mod server;
#[path = "../bench/streams.rs"]
mod streams;
mod times;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use tokio::task::LocalSet;

use load::Load;
use ours::Ours;
use redis::Redis;
use report::Side;

/// Pushes to one device of many: latency and deliveries per core-second.
#[derive(Parser)]
struct Options {
    /// How often both are measured, in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a round.
    #[arg(long, default_value_t = 5)]
    seconds: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 1_000)]
    rate: usize,
    /// Devices with an open stream.
    #[arg(long, default_value_t = 2_000)]
    devices: usize,
    /// To be the loop, at this address; how the benchmark calls itself.
    #[arg(long, hide = true)]
    bare: Option<SocketAddr>,
    /// Where all keep their data; on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(listen) = options.bare {
        return bare::serve(listen, &options.dir);
    }
    LocalSet::new().run_until(run(&options)).await
}

async fn run(options: &Options) -> anyhow::Result<()> {
    machine::say();
    let load = Load { rate: options.rate, count: options.rate * options.seconds };
    let ours = Ours::start(&options.dir, options.devices).await?;
    let redis = Redis::start(&options.dir, options.devices).await?;
    let bare = Redis::bare(&options.dir, options.devices).await?;
    // Every receiver has its chat before anything is measured.
    load::run(&ours, Load { count: options.devices, ..load }).await?;
    let (mut our_side, mut redis_side, mut bare_side) = (Side::default(), Side::default(), Side::default());
    println!("{}", report::HEAD);
    for round in 1..=options.rounds {
        our_side.round(round, "denrei", &load::run(&ours, load).await?);
        if let Some(redis) = &redis {
            redis_side.round(round, "redis", &load::run(redis, load).await?);
        }
        bare_side.round(round, "loop", &load::run(&bare, load).await?);
    }
    machine::say();
    report::conclude(&our_side, redis.is_some().then_some(&redis_side), &bare_side);
    Ok(())
}
