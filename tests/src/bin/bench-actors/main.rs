//! What an account costs that is active and idle: a hundred thousand of them, each with 20 contacts, 10 chats and 2 devices in a
//! real store, are made active by a request each and then left alone. Resident memory of the process with them, less that with a
//! tenth of them, each.
//!
//! Rows that a shard keeps at hand are bounded for themselves (`cached_rows`). So it is measured twice: without them, which is the
//! account, and as a node comes, which is what a request per account leaves behind.
//!
//! `cargo xtask bench actors [-- --rounds 3 --accounts 1000000]`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../bench/machine.rs"]
mod machine;
mod measure;
mod planting;
#[path = "../bench/resident.rs"]
mod resident;
#[path = "../bench/rounds.rs"]
mod rounds;
#[path = "../bench/verdict.rs"]
mod verdict;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Parser;

use rounds::Rounds;
use verdict::verdict;

/// As the node has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Resident memory of an active, idle account.
#[derive(Parser)]
struct Options {
    /// How often both are measured, in turns, each time in a process of its own.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Accounts that are made active.
    #[arg(long, default_value_t = 100_000)]
    accounts: usize,
    /// Where the store is made.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// One measurement over a store that is there; how the benchmark calls itself.
    #[arg(long, hide = true)]
    measure: bool,
    /// Rows that each shard keeps at hand.
    #[arg(long, hide = true, default_value_t = 0)]
    cached_rows: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if options.measure {
        println!("{}", measure::kib(&options)?);
        return Ok(());
    }
    machine::say();
    std::fs::create_dir_all(&options.dir)?;
    let directory = tempfile::tempdir_in(&options.dir)?;
    planting::plant(directory.path(), options.accounts)?;
    let as_it_comes = denrei_actors::shard::ShardOptions::default().cached_rows;
    let (mut alone, mut with_rows) = (Rounds::default(), Rounds::default());
    println!("round   KiB an account   with the rows that a node keeps at hand");
    for round in 1..=options.rounds {
        let (account, rows) = (
            in_a_process(directory.path(), options.accounts, 0)?,
            in_a_process(directory.path(), options.accounts, as_it_comes)?,
        );
        println!("{round:>5} {account:>16.2} {rows:>41.2}");
        alone.push(account);
        with_rows.push(rows);
    }
    machine::say();
    println!("median (least to most): {alone} KiB an account, {with_rows} KiB with cached rows");
    verdict("resident memory of an active account, KiB", alone.median(), ..=1.5);
    Ok(())
}

fn in_a_process(dir: &Path, accounts: usize, cached_rows: usize) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--measure").arg("--dir").arg(dir).arg("--accounts").arg(accounts.to_string());
    let told = command.arg("--cached-rows").arg(cached_rows.to_string()).output()?;
    let said = String::from_utf8_lossy(&told.stdout);
    ensure!(told.status.success(), "{}{said}", String::from_utf8_lossy(&told.stderr));
    said.trim().parse().with_context(|| format!("no figure: {said}"))
}
