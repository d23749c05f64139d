//! A replay of real people's messages against a node that is killed again and again, without a warning; then two judges.

use std::fs;
use std::path::Path;
use std::time::Duration;

use denrei_tests::chance::Chance;
use denrei_tests::judging::second_opinion;
use denrei_tests::node::{Node, NodeSetup};
use denrei_tests::replay::{Replay, ReplaySetup, Report, college_messages};
use denrei_tests::surroundings::{holds_within, node_binary, or_skip, skip, variable};

/// A shortened replay. A quick machine is through with it before many kills, and does it again, with other people.
const MESSAGES: usize = 10_000;
/// Kills in all, unless `DENREI_KILLS` says how many.
const KILLS: usize = 20;
/// Kills of one replay, so that a slow machine gets on.
const MOST: usize = 24;
/// How long registering everyone may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged() {
    let name = "twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let Some(file) = or_skip(name, college_messages()) else { return };
    let mut chance = Chance::of(name);
    let mut node = NodeSetup::of(&binary).start();
    let wanted = variable("DENREI_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number of kills"));
    let mut kills = 0;
    while kills < wanted {
        let setup = ReplaySetup { file: &file, limit: Some(MESSAGES), in_flight: 64, seed: chance.seed() };
        let mut replay = setup.start(&binary, &node);
        let recording = replay.recording.clone();
        let killed = kill_meanwhile(&mut replay, &mut node, &mut chance);
        assert!(killed > 0, "a replay was over before the first kill");
        kills += killed;
        let report = replay.finish();
        println!("{killed} kills, {kills} in all: {report:?}");
        report.assert_clean();
        assert!(report.retried > 0 && report.reconnects > 0, "the kills did not reach the devices");
        agreed(name, &recording, &report);
        fs::remove_dir_all(&recording).expect("the recording is taken away");
    }
    assert!(node.stop().success(), "the node stops in order at the end");
}

fn kill_meanwhile(replay: &mut Replay, node: &mut Node, chance: &mut Chance) -> usize {
    // Kills while people are still registered would cost no message anything.
    assert!(holds_within(PATIENCE, || replay.has_begun()), "nothing is sent");
    for kill in 0..MOST {
        std::thread::sleep(chance.millis(50, 500));
        if !replay.is_running() {
            return kill;
        }
        node.kill();
        std::thread::sleep(chance.millis(0, 100));
        node.restart();
    }
    MOST
}

/// The judge in Python looks at the same and finds the same: nothing.
fn agreed(name: &str, recording: &Path, report: &Report) {
    let verdict = match second_opinion(recording) {
        Err(reason) => return skip(&format!("{name} (second judge)"), &reason),
        Ok(verdict) => verdict,
    };
    assert!(verdict.counts.is_empty(), "{:#?}", verdict.first);
    for what in ["devices", "operations", "full_syncs", "acknowledged", "messages", "copies"] {
        let seen = [&verdict, &report.verdict].map(|verdict| verdict.looked_at(what));
        assert_eq!(seen.first(), seen.last(), "the judges did not look at the same {what}");
    }
}
