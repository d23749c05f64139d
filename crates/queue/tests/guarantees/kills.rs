//! `kill -9` while tasks are in flight, wait for another try, fire as timers, or move with their partition.
//!
//! On Kafka three processes share the work, one is killed and all that it had on disk is deleted. An embedded log has one process:
//! it is killed and started again. Nothing that was confirmed may be lost, nothing runs early, and what is done twice is no more
//! than what the one that was killed had done since its last commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::clock::{Clock, SystemClock};
use denrei_storage::log::{TopicConfig, TopicName};

use crate::victim::{self, COMMIT_MS, Field, Job, Note, PARTITIONS, Phase, Post, What, lines};

const PATIENCE: Duration = Duration::from_secs(60);
/// A commit is on its way for so long at most, on a machine that has much to do.
const COMMIT_TAKES_MS: u64 = 2_000;

/// A process of the test.
struct Peer {
    post: Post,
    child: Child,
}

impl Peer {
    fn start(folder: &Path, name: &str, field: Field, phase: Phase) -> Self {
        let post = Post { own: folder.join(name), notes: folder.join(format!("{name}.notes")), field, phase };
        let child = victim::spawn(&post);
        Self { post, child }
    }

    fn notes(&self) -> Vec<Note> {
        lines(&self.post.notes)
    }

    /// Kills it, and deletes what it had.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_dir_all(&self.post.own).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn numbers(notes: &[Note], what: What) -> BTreeSet<u64> {
    notes.iter().filter(|note| note.what == what).map(|note| note.number).collect()
}

/// Whether this process is in the midst of it.
fn is_amid(phase: Phase, notes: &[Note]) -> bool {
    let (began, done) = (numbers(notes, What::Began), numbers(notes, What::Done));
    match phase {
        Phase::InFlight => done.len() >= 3 && began.difference(&done).count() >= 3,
        Phase::Retry => numbers(notes, What::Failed).difference(&done).count() >= 5,
        Phase::TimerFire => done.len() >= 5 && began.difference(&done).count() >= 1,
        Phase::Rebalance => {
            let mut states = notes.iter().filter(|note| matches!(note.what, What::Owns | What::GivesAway));
            states.next_back().is_some_and(|note| note.what == What::GivesAway)
        }
    }
}

fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::new();
    while clock.monotonic() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what}: not within {PATIENCE:?}")
}

/// What was seen, and of whom.
struct Story {
    phase: Phase,
    sent: Vec<Job>,
    /// Of the process that was killed.
    dead: Vec<Note>,
    others: Vec<Note>,
    killed_ms: u64,
}

impl Story {
    fn is_over(sent: &Path, peers: &[Peer]) -> bool {
        let done: BTreeSet<u64> = peers.iter().flat_map(|peer| numbers(&peer.notes(), What::Done)).collect();
        let sent: Vec<Job> = lines(sent);
        !sent.is_empty() && sent.iter().all(|job| done.contains(&job.number))
    }

    fn judge(&self) {
        let phase = self.phase;
        assert!(is_amid(phase, &self.dead), "{phase:?}: the kill came too late to say anything");
        assert_eq!(self.sent.len() as u64, phase.tasks(), "{phase:?}: not all was confirmed");
        let due: BTreeMap<u64, u64> = self.sent.iter().map(|job| (job.number, job.due_ms)).collect();
        let all = || self.dead.iter().chain(&self.others);
        let early: Vec<_> = all()
            .filter(|n| n.what == What::Began && due.get(&n.number).is_some_and(|due| n.at_ms < *due))
            .collect();
        assert!(early.is_empty(), "{phase:?}: early: {early:?}");
        let mut done: BTreeMap<u64, Vec<Note>> = BTreeMap::new();
        for note in all().filter(|note| note.what == What::Done) {
            done.entry(note.number).or_default().push(*note);
        }
        let lost: Vec<u64> = due.keys().filter(|number| !done.contains_key(number)).copied().collect();
        assert!(lost.is_empty(), "{phase:?}: lost: {lost:?}");
        let again: Vec<u64> =
            done.iter().filter(|(_, runs)| runs.len() > 1).map(|(number, _)| *number).collect();
        // What it had parked since its last commit is run anew from the log, and as a timer too.
        let bound = self.killed_ms - COMMIT_MS - COMMIT_TAKES_MS;
        let lately: Vec<Note> = self.dead.iter().filter(|note| note.at_ms >= bound).copied().collect();
        let lately: BTreeSet<u64> = lately.iter().map(|note| note.number).collect();
        let without_need: Vec<_> = again.iter().filter(|number| !lately.contains(number)).collect();
        assert!(without_need.is_empty(), "{phase:?}: done again without need: {without_need:?}");
        println!("{phase:?}: {} confirmed, {} done again, none lost", self.sent.len(), again.len());
    }
}

async fn on_kafka(test: &str, phase: Phase) {
    let Ok(servers) = std::env::var("DENREI_KAFKA") else {
        println!("SKIPPED {test}: DENREI_KAFKA not set");
        return;
    };
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());
    let (log, folder) = (victim::kafka(&servers, &clock), tempfile::tempdir().unwrap());
    let topic = format!("kills-{phase:?}-{}", clock.now().as_millis());
    let name = TopicName::from(topic.as_str());
    log.admin().create_topic(&name, TopicConfig::new(PARTITIONS)).await.unwrap();
    let field = Field::Kafka { servers, topic };
    let start = |name: &str| Peer::start(folder.path(), name, field.clone(), phase);
    let mut peers: Vec<Peer> = ["a", "b", "c"].into_iter().map(start).collect();
    wait_until("all own something", || {
        peers.iter().all(|peer| peer.notes().iter().any(|note| note.what == What::Owns)).then_some(())
    });
    let sent = folder.path().join("sent");
    victim::put(&*log, &clock, &name, phase, &sent).await;
    if phase == Phase::Rebalance {
        peers.push(start("d"));
    }
    let at = wait_until("one is in the midst of it", || {
        peers.iter().position(|peer| is_amid(phase, &peer.notes()))
    });
    peers[at].kill();
    let killed_ms = clock.now().as_millis();
    end(phase, &sent, peers, at, killed_ms);
}

fn end(phase: Phase, sent: &Path, mut peers: Vec<Peer>, dead: usize, killed_ms: u64) {
    wait_until("all is done", || Story::is_over(sent, &peers).then_some(()));
    // Long enough for what would be done a second time.
    std::thread::sleep(Duration::from_secs(2));
    let dead = peers.remove(dead);
    let others = peers.iter().flat_map(Peer::notes).collect();
    Story { phase, sent: lines(sent), dead: dead.notes(), others, killed_ms }.judge();
}

fn on_the_embedded_log(phase: Phase) {
    let folder = tempfile::tempdir().unwrap();
    let (sent, log): (PathBuf, PathBuf) = (folder.path().join("sent"), folder.path().join("log"));
    let field = |first| Field::Embedded { log: log.clone(), sent: sent.clone(), first };
    let mut one = Peer::start(folder.path(), "one", field(true), phase);
    wait_until("it is in the midst of it", || {
        let confirmed = lines::<Job>(&sent).len() as u64 == phase.tasks();
        (confirmed && is_amid(phase, &one.notes())).then_some(())
    });
    one.kill();
    let killed_ms = SystemClock::new().now().as_millis();
    let next = Peer::start(folder.path(), "next", field(false), phase);
    end(phase, &sent, vec![one, next], 0, killed_ms);
}

#[test]
fn embedded_a_kill_while_tasks_are_in_flight_loses_nothing() {
    on_the_embedded_log(Phase::InFlight);
}

#[test]
fn embedded_a_kill_while_tasks_wait_for_another_try_loses_nothing() {
    on_the_embedded_log(Phase::Retry);
}

#[test]
fn embedded_a_kill_while_timers_fire_loses_nothing() {
    on_the_embedded_log(Phase::TimerFire);
}

#[test]
fn embedded_a_kill_while_partitions_move_loses_nothing() {
    on_the_embedded_log(Phase::Rebalance);
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_a_kill_while_tasks_are_in_flight_loses_nothing() {
    on_kafka("kafka_a_kill_while_tasks_are_in_flight_loses_nothing", Phase::InFlight).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_a_kill_while_tasks_wait_for_another_try_loses_nothing() {
    on_kafka("kafka_a_kill_while_tasks_wait_for_another_try_loses_nothing", Phase::Retry).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_a_kill_while_timers_fire_loses_nothing() {
    on_kafka("kafka_a_kill_while_timers_fire_loses_nothing", Phase::TimerFire).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_a_kill_while_partitions_move_loses_nothing() {
    on_kafka("kafka_a_kill_while_partitions_move_loses_nothing", Phase::Rebalance).await;
}
