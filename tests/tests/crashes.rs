//! A replay of real people's messages against a node that is killed again and again, without a warning; then two judges.

use std::time::Duration;

use denrei_tests::chance::Chance;
use denrei_tests::judging::second_opinion;
use denrei_tests::node::NodeSetup;
use denrei_tests::replay::{ReplaySetup, college_messages};
use denrei_tests::surroundings::{holds_within, node_binary, or_skip, skip};

/// A shortened replay: enough that every kill finds it under way, also on a quick machine.
const MESSAGES: usize = 30_000;
const KILLS: usize = 24;
/// So many must have found the replay under way.
const ENOUGH: usize = 20;
/// How long registering everyone may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged() {
    let name = "twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let Some(file) = or_skip(name, college_messages()) else { return };
    let mut chance = Chance::of(name);
    let mut node = NodeSetup::of(&binary).start();
    let setup = ReplaySetup { file: &file, limit: Some(MESSAGES), in_flight: 64, seed: chance.seed() };
    let mut replay = setup.start(&binary, &node);
    // Kills while people are still registered would cost no message anything.
    assert!(holds_within(PATIENCE, || replay.has_begun()), "nothing is sent");
    for kill in 1..=KILLS {
        std::thread::sleep(chance.millis(100, 500));
        if !replay.is_running() {
            assert!(kill > ENOUGH, "the replay was over before kill {kill}");
            break;
        }
        node.kill();
        std::thread::sleep(chance.millis(0, 100));
        let took = node.restart();
        println!("kill {kill}, ready again after {} ms", took.as_millis());
    }
    let recording = replay.recording.clone();
    let report = replay.finish();
    println!("{report:?}");
    report.assert_clean();
    assert!(report.retried > 0 && report.reconnects > 0, "the kills did not reach the devices");

    match second_opinion(&recording) {
        Err(reason) => skip(&format!("{name} (second judge)"), &reason),
        Ok(verdict) => {
            assert!(verdict.counts.is_empty(), "{:#?}", verdict.first);
            for what in ["devices", "operations", "full_syncs", "acknowledged", "messages", "copies"] {
                let seen = [&verdict, &report.verdict].map(|verdict| verdict.looked_at(what));
                assert_eq!(seen.first(), seen.last(), "the judges did not look at the same {what}");
            }
        }
    }
    assert!(node.stop().success(), "the node stops in order at the end");
}
