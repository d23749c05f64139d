//! A process that writes is killed again and again; what the next one finds is a prefix with everything announced.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use denrei_model::position::{Place, RecordNumber};
use denrei_model::shard::Shard;
use denrei_storage::embedded::EmbeddedStore;
use denrei_storage::shard::{
    Applied, Batch, CommitListener, Emitted, EnqueueError, InboxStore as _, Lost, ShardStore as _,
};

use crate::harness::{claim, number, open, put};

const SOURCE: Shard = Shard::new(1);
const DESTINATION: Shard = Shard::new(2);

/// Prints the last step of which it was told that it is durable.
struct Announcer {
    base: u64,
}

impl CommitListener for Announcer {
    fn committed(&self, up_to: Place) {
        // Two commits a step, this listener's being the second.
        let mut out = std::io::stdout().lock();
        writeln!(out, "durable {}", self.base + up_to.get() / 2).unwrap();
    }

    fn lost(&self, why: Lost) {
        panic!("{why:?}");
    }
}

fn step(number: u64) -> (Batch, Batch) {
    let number_of_record = RecordNumber::new(number);
    let record = format!("{number}").repeat(20).into();
    let emitted = vec![Emitted { to: DESTINATION, number: number_of_record, record }];
    let applied = vec![Applied { from: SOURCE, number: number_of_record }];
    let source = Batch { changes: vec![put("source", number)], emitted, applied: vec![] };
    let destination = Batch { changes: vec![put("destination", number)], emitted: vec![], applied };
    (source, destination)
}

/// Writes for ever, a step being an emitted record and its early application.
async fn write(dir: &Path) {
    let store = open(dir);
    let (source, _) = claim(&store, 1).await;
    let base = source.counters.out.first().map_or(0, |(_, number)| number.get());
    // What was left unapplied by the last process is applied first.
    let (destination, ear) = claim(&store, 2).await;
    let high_water = destination.counters.high_water.first().map_or(0, |(_, number)| number.get());
    for number in high_water + 1..=base {
        let ticket = store.enqueue(DESTINATION, destination.epoch, &step(number).1).unwrap();
        ear.wait(ticket.place).await;
    }
    let left = base - high_water;
    let announcer = Announcer { base: base - left / 2 };
    assert!(left <= 1, "a step is two commits in a row");
    let destination = store.claim(DESTINATION, Arc::new(announcer)).await.unwrap();
    for number in base + 1.. {
        let (one, two) = step(number);
        for (shard, epoch, batch) in [(SOURCE, source.epoch, one), (DESTINATION, destination.epoch, two)] {
            loop {
                match store.enqueue(shard, epoch, &batch) {
                    Ok(_) => break,
                    Err(EnqueueError::Full) => std::thread::yield_now(),
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}

/// Not a test: the process that [`what_is_found_after_a_kill_is_a_prefix_with_all_that_was_announced`] kills.
#[test]
#[ignore = "only makes sense as a child process that is told a directory on standard input"]
fn child() {
    let mut dir = String::new();
    std::io::stdin().read_line(&mut dir).unwrap();
    if !dir.trim().is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(write(Path::new(dir.trim())));
    }
}

/// Runs a child until it has announced this many groups, kills it, and gives the last step announced.
fn run_and_kill(dir: &Path, groups: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", dir.display()).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let durable = |line: std::io::Result<String>| -> Option<u64> {
        line.unwrap().split_once("durable ").and_then(|(_, number)| number.trim().parse().ok())
    };
    let mut last = lines.by_ref().filter_map(durable).nth(groups).expect("the child announces");
    child.kill().unwrap();
    // What it had announced before it died is still in the pipe; the last line may be torn.
    let mut rest: Vec<_> = lines.collect();
    rest.pop();
    last = rest.into_iter().filter_map(durable).last().unwrap_or(last);
    child.wait().unwrap();
    last
}

async fn check(store: &EmbeddedStore, announced: u64) {
    let source = number(store, "source").await.unwrap();
    let destination = number(store, "destination").await.unwrap();
    assert!(destination >= announced, "step {announced} was announced, {destination} is there");
    assert!(source == destination || source == destination + 1, "{source} and {destination} are no prefix");
    let (from, _) = claim(store, 1).await;
    let (to, _) = claim(store, 2).await;
    assert_eq!(from.counters.out, [(DESTINATION, RecordNumber::new(source))]);
    assert_eq!(to.counters.high_water, [(SOURCE, RecordNumber::new(destination))]);
    let pending = store.pending(DESTINATION, SOURCE, RecordNumber::ZERO, 10).await.unwrap();
    let numbers: Vec<u64> = pending.iter().map(|record| record.number.get()).collect();
    assert_eq!(numbers, (destination + 1..=source).collect::<Vec<_>>());
}

#[test]
fn what_is_found_after_a_kill_is_a_prefix_with_all_that_was_announced() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut before = 0;
    for round in 0..8 {
        let announced = run_and_kill(dir.path(), 5 + 17 * round);
        assert!(announced > before);
        before = announced;
        runtime.block_on(check(&open(dir.path()), announced));
    }
}
