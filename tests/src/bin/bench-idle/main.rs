//! What an idle stream costs: ten thousand connections to the real node, each of another person's device with its stream open
//! and nothing to say. Resident memory of the node with them, less that without them, each.
//!
//! `cargo xtask bench idle [-- --rounds 3 --connections 10000]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../bench/cpu.rs"]
mod cpu;
#[path = "../bench/machine.rs"]
mod machine;
#[path = "../bench/node.rs"]
mod node;
#[path = "../bench/people.rs"]
mod people;
#[path = "../bench/resident.rs"]
mod resident;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/server.rs"]
mod server;
#[path = "../bench/streams.rs"]
mod streams;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use tokio::task::LocalSet;
use tokio::time::sleep;

use cpu::cpu_seconds;
use node::Node;
use resident::resident_kib;
use rounds::Rounds;
use streams::Hearer;
use verdict::verdict;

/// Streams that warm the node up: its threads, its caches and its allocator are not the price of a stream.
const WARM: usize = 100;

/// Resident memory of an idle stream.
#[derive(Parser)]
struct Options {
    /// How often it is measured, each time with a node of its own.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections, each with one stream.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Seconds for which the streams are left alone before the node is looked at.
    #[arg(long, default_value_t = 10)]
    rest: u64,
    /// Where the node keeps its data.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

/// What a round gave.
struct Idle {
    kib: f64,
    cpu_micros: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    machine::say();
    let (mut kib, mut cpu) = (Rounds::default(), Rounds::default());
    println!("round   KiB a stream   CPU µs a stream and second");
    for round in 1..=options.rounds {
        // Each round's connections end with its set of tasks.
        let idle = LocalSet::new().run_until(measure(&options)).await?;
        println!("{round:>5} {:>14.1} {:>28.2}", idle.kib, idle.cpu_micros);
        kib.push(idle.kib);
        cpu.push(idle.cpu_micros);
    }
    machine::say();
    println!("median (least to most): {kib} KiB a stream, {cpu} µs a stream and second");
    println!(
        "Centrifugo 6.9, measured elsewhere on a like machine: 75 to 80 KiB, 1.7 µs a stream and second"
    );
    verdict("resident memory of an idle stream, KiB", kib.median(), ..=24.0);
    Ok(())
}

async fn measure(options: &Options) -> anyhow::Result<Idle> {
    let node = Node::start(&options.dir, &vec![1; options.connections + WARM]).await?;
    let heard = Rc::new(Cell::new(0_usize));
    let counted = Rc::clone(&heard);
    let hearer: Hearer = Rc::new(move |_, line| {
        if !line.contains("\"heartbeat\"") {
            counted.set(counted.get() + 1);
        }
    });
    let (idle, warm) = node.devices.split_at_checked(options.connections).context("devices")?;
    streams::open(&node.target, warm, &hearer).await?;
    let before = resident_kib(node.server.id())?;
    streams::open(&node.target, idle, &hearer).await?;
    let used = cpu_seconds(node.server.id())?;
    sleep(Duration::from_secs(options.rest)).await;
    let used = cpu_seconds(node.server.id())? - used;
    let grown = resident_kib(node.server.id())? - before;
    ensure!(heard.get() == 0, "{} streams were told something: they are not idle", heard.get());
    let streams = options.connections as f64;
    Ok(Idle { kib: grown / streams, cpu_micros: used * 1e6 / streams / options.rest.max(1) as f64 })
}
