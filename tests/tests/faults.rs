//! Guarantees broken on purpose in the real binary: each must be noticed, and by its name. The same run without the fault
//! is clean, so that it is the fault that was noticed.
//!
//! Some faults show only when the node dies at the wrong moment. Syncs are then made slow, so that there is always
//! something that was said and is not on disk yet.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it did"
)]

#[path = "faults/load.rs"]
mod load;

use std::path::Path;
use std::time::Duration;

use denrei_tests::chance::Chance;
use denrei_tests::judging::second_opinion;
use denrei_tests::node::{Node, NodeSetup};
use denrei_tests::power::Shim;
use denrei_tests::replay::{Replay, ReplaySetup, Report, made_up};
use denrei_tests::surroundings::{faulty_binary, holds_within, or_skip, skip};

const PEOPLE: usize = 40;
const KILLS: usize = 6;
/// How long registering everyone may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the node fares meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Calm,
    /// Syncs are slow, and the node is killed several times. Faults happen from the first kill on.
    Kills,
}

impl Weather {
    /// Enough that every kill finds the replay under way.
    const fn messages(self) -> usize {
        match self {
            Self::Calm => 1_500,
            Self::Kills => 8_000,
        }
    }
}

/// One fault: when it happens, and which guarantee it breaks.
struct Fault {
    armed: &'static str,
    weather: Weather,
    breaks: &'static str,
}

#[test]
fn a_revision_that_is_skipped_is_noticed_as_a_hole() {
    let fault = Fault { armed: "revision-skipped=1%return", weather: Weather::Calm, breaks: "H7" };
    expect("a_revision_that_is_skipped_is_noticed_as_a_hole", &fault);
}

#[test]
fn a_record_number_that_is_used_again_is_noticed_as_a_message_that_does_not_arrive() {
    let fault = Fault { armed: "number-reused=2%return", weather: Weather::Calm, breaks: "H3" };
    expect("a_record_number_that_is_used_again_is_noticed_as_a_message_that_does_not_arrive", &fault);
}

#[test]
fn a_mark_that_is_dropped_is_noticed_as_a_message_that_arrives_twice() {
    let fault = Fault { armed: "mark-dropped=20%return", weather: Weather::Kills, breaks: "H3" };
    expect("a_mark_that_is_dropped_is_noticed_as_a_message_that_arrives_twice", &fault);
}

#[test]
fn an_answer_that_is_forgotten_is_noticed_as_a_key_with_two_messages() {
    let fault = Fault { armed: "answer-forgotten=return", weather: Weather::Kills, breaks: "H4" };
    expect("an_answer_that_is_forgotten_is_noticed_as_a_key_with_two_messages", &fault);
}

#[test]
fn a_reply_before_its_commit_is_noticed_as_an_acknowledged_message_that_is_lost() {
    let fault = Fault { armed: "reply-before-commit=20%return", weather: Weather::Kills, breaks: "H3" };
    expect("a_reply_before_its_commit_is_noticed_as_an_acknowledged_message_that_is_lost", &fault);
}

#[test]
fn a_push_before_its_commit_is_noticed_as_a_history_that_the_server_does_not_know() {
    let fault = Fault { armed: "push-before-commit=return", weather: Weather::Kills, breaks: "H6" };
    expect("a_push_before_its_commit_is_noticed_as_a_history_that_the_server_does_not_know", &fault);
}

#[test]
fn without_a_fault_the_same_runs_are_clean() {
    let name = "without_a_fault_the_same_runs_are_clean";
    let Some(binary) = or_skip(name, faulty_binary()) else { return };
    for weather in [Weather::Calm, Weather::Kills] {
        let mut chance = Chance::of(name);
        if let Some((report, _node)) = run(name, &binary, (None, weather), &mut chance) {
            report.assert_clean();
        }
    }
}

/// Runs with the fault, and expects both judges to name the guarantee.
fn expect(name: &str, fault: &Fault) {
    let Some(binary) = or_skip(name, faulty_binary()) else { return };
    let mut chance = Chance::of(name);
    let Some((report, node)) = run(name, &binary, (Some(fault.armed), fault.weather), &mut chance) else {
        return;
    };
    println!("{:?} {:#?}", report.verdict.counts, report.verdict.first.first());
    assert!(
        report.verdict.names(fault.breaks),
        "{} was armed, {} is not named: {:?}",
        fault.armed,
        fault.breaks,
        report.verdict.counts
    );
    match second_opinion(&node.directory().join("recording")) {
        Err(reason) => skip(&format!("{name} (second judge)"), &reason),
        Ok(verdict) => assert!(
            verdict.names(fault.breaks),
            "the second judge does not name {}: {:?}",
            fault.breaks,
            verdict.counts
        ),
    }
}

fn run(
    name: &str,
    binary: &Path,
    (armed, weather): (Option<&str>, Weather),
    chance: &mut Chance,
) -> Option<(Report, Node)> {
    let directory = tempfile::tempdir().expect("a directory");
    let armed = armed.unwrap_or_default();
    let mut setup = NodeSetup::of(binary);
    match weather {
        Weather::Calm => setup = setup.variable("FAILPOINTS", armed),
        Weather::Kills => setup = or_skip(name, Shim::compile(directory.path()))?.slow_syncs(setup, 40),
    }
    let mut node = setup.start();
    let file = made_up(node.directory(), PEOPLE, weather.messages(), chance);
    let replay = ReplaySetup { file: &file, limit: None, in_flight: 32, seed: chance.seed() };
    let replay = replay.start(binary, &node);
    let report = match weather {
        Weather::Calm => replay.finish(),
        Weather::Kills => {
            // People who are not registered for good yet would be logged out, and there would be nothing to judge.
            assert!(holds_within(PATIENCE, || replay.has_begun()), "nothing is sent");
            node.set_variable("FAILPOINTS", armed);
            kill_meanwhile(replay, &mut node, chance)
        }
    };
    Some((report, node))
}

fn kill_meanwhile(mut replay: Replay, node: &mut Node, chance: &mut Chance) -> Report {
    for kill in 1..=KILLS {
        std::thread::sleep(chance.millis(300, 900));
        if !replay.is_running() {
            assert!(kill > 1, "the replay was over before the first kill");
            break;
        }
        node.kill();
        node.restart();
    }
    replay.finish()
}
