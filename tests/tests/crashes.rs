//! A replay of real people's messages against a node that is killed again and again, without a warning; then two judges.

use denrei_tests::chance::Chance;
use denrei_tests::judging::second_opinion;
use denrei_tests::node::NodeSetup;
use denrei_tests::replay::{ReplaySetup, college_messages};
use denrei_tests::surroundings::{node_binary, or_skip, skip};

/// A shortened replay: enough that every kill finds it under way.
const MESSAGES: usize = 12_000;
const KILLS: usize = 24;

#[test]
fn twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged() {
    let name = "twenty_kills_break_no_guarantee_and_lose_nothing_acknowledged";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let Some(file) = or_skip(name, college_messages()) else { return };
    let mut chance = Chance::of(name);
    let mut node = NodeSetup::of(&binary).start();
    let setup = ReplaySetup { file: &file, limit: Some(MESSAGES), in_flight: 64, seed: chance.seed() };
    let mut replay = setup.start(&binary, &node);
    for kill in 1..=KILLS {
        std::thread::sleep(chance.millis(100, 900));
        assert!(replay.is_running(), "the replay was over before kill {kill}");
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
