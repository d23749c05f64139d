//! Tasks a second through the queue, in turns with a bare loop over the same records and, on Kafka, with Decaton; with and without
//! keys; on the embedded log and, where `DENREI_KAFKA` says that there is one, on Kafka. Then how late tasks begin to run.
//!
//! ```text
//! cell     one way to run tasks: permits of a partition, how long a task takes; what is aimed at
//! ground   a log with a topic of tasks, filled once; every measurement reads it as a group of its own
//! bare     a loop over the records, by the log's own consumer or by rdkafka
//! drain    a subscription: tasks a second, processor time
//! decaton  the same in a JVM, by the programs of `tests/decaton/`, whose class path `DENREI_DECATON` tells
//! ideal    what a queue without any cost of its own would do, from where the tasks lie and how long a sleep really is
//! latency  tasks put at a steady rate, and when they begin to run
//! delays   tasks put for later, on one partition: none early, few late, others not held up
//! ```
//!
//! Everything that is measured in this process allocates by mimalloc, librdkafka included: it makes each record on its own thread and
//! frees it on ours, for which the allocator of glibc takes a lock that both wait for.
//!
//! `cargo xtask bench queue [-- --rounds 3 --tasks 500000]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod bare;
mod cell;
#[path = "../bench/cpu.rs"]
mod cpu;
mod decaton;
mod delays;
mod drain;
mod ground;
mod ideal;
mod latency;
#[path = "../bench/machine.rs"]
mod machine;
#[path = "../bench/rounds.rs"]
mod rounds;
mod tally;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::path::PathBuf;

use clap::Parser;
use denrei_tests::surroundings;

use cell::{CELLS, Cell};
use decaton::Decaton;
use ground::{Backend, Ground};
use tally::{Bare, Tally};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks a second through the queue.
#[derive(Parser)]
struct Options {
    /// How often everything is measured, in turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Tasks that take no time.
    #[arg(long, default_value_t = 500_000)]
    tasks: u64,
    /// Tasks that take 10 ms.
    #[arg(long, default_value_t = 60_000)]
    slow_tasks: u64,
    /// Different keys, where there are any.
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
    /// How often Decaton runs the tasks to warm up, before it is measured.
    #[arg(long, default_value_t = 2)]
    warm_ups: u64,
    /// Tasks put a second where latency is measured.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Tasks whose latency is measured.
    #[arg(long, default_value_t = 10_000)]
    late_tasks: u64,
    /// Tasks that are put for later.
    #[arg(long, default_value_t = 50_000)]
    delayed_tasks: u64,
    /// How much later at most, in seconds.
    #[arg(long, default_value_t = 60)]
    delay: u64,
    /// Only one log.
    #[arg(long)]
    only: Option<Backend>,
    /// Where the embedded log is made.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    machine::say();
    for backend in Backend::ALL.into_iter().filter(|one| options.only.is_none_or(|only| only == *one)) {
        if backend == Backend::Kafka && surroundings::variable("DENREI_KAFKA").is_none() {
            surroundings::skip("bench queue on Kafka", "DENREI_KAFKA not set");
            continue;
        }
        let decaton = (backend == Backend::Kafka).then(Decaton::find).flatten();
        for keyed in [true, false] {
            throughput(backend, keyed, decaton.as_ref(), &options).await?;
        }
        latency::measure(backend, decaton.as_ref(), &options).await?;
        delays::measure(backend, &options).await?;
    }
    machine::say();
    Ok(())
}

/// The two grounds of one kind of tasks: those that take no time, and those that take some.
async fn throughput(
    backend: Backend,
    keyed: bool,
    decaton: Option<&Decaton>,
    options: &Options,
) -> anyhow::Result<()> {
    for slow in [false, true] {
        let tasks = if slow { options.slow_tasks } else { options.tasks };
        let ground = Ground::prepare(backend, keyed.then_some(options.keys), options).await?;
        ground.fill(tasks).await?;
        let cells = CELLS.iter().filter(|cell| cell.is_slow() == slow && (keyed || !cell.per_key()));
        compare(&ground, &cells.collect::<Vec<_>>(), decaton, options).await?;
        ground.clear().await?;
    }
    Ok(())
}

async fn compare(
    ground: &Ground,
    cells: &[&Cell],
    decaton: Option<&Decaton>,
    options: &Options,
) -> anyhow::Result<()> {
    let mut bare = Bare::default();
    let mut tallies: Vec<Tally> = cells.iter().map(|_| Tally::default()).collect();
    for _ in 0..options.rounds {
        bare.push(&bare::drain(ground).await?);
        for (cell, tally) in cells.iter().zip(&mut tallies) {
            tally.ours.push(&drain::run(ground, cell).await?);
            if cell.is_slow() {
                tally.ideal.push(ideal::rate(ground, cell).await?);
            }
            if let Some(decaton) = decaton.filter(|decaton| decaton.can(cell)) {
                tally.decaton.get_or_insert_default().push(&decaton.drain(ground, cell, options).await?);
            }
        }
    }
    println!("{}, {} tasks: median (least to most)", ground.name(), ground.tasks());
    bare.say("bare loop");
    for (cell, tally) in cells.iter().zip(&tallies) {
        tally.say(cell);
        cell.judge(tally, &bare);
    }
    Ok(())
}
