//! The judge in Python over what happened in groups: a clean recording is clean, and each way of damaging it is found and
//! named. What is damaged is a copy of what `denrei load` recorded.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; JSON that has no such field is null"
)]

#[path = "judging/damage.rs"]
mod damage;
#[path = "judging/recording.rs"]
mod recording;

use std::path::Path;
use std::process::Command;

use denrei_tests::chance::Chance;
use denrei_tests::judging::second_opinion;
use denrei_tests::node::NodeSetup;
use denrei_tests::replay::Verdict;
use denrei_tests::surroundings::{node_binary, or_skip};

use damage::DAMAGES;
use recording::{Files, Told};

#[test]
fn every_damage_to_a_recording_of_groups_is_found_by_its_name() {
    let name = "every_damage_to_a_recording_of_groups_is_found_by_its_name";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let seed = Chance::of(name).seed();
    let node = NodeSetup::of(&binary).start();
    let recorded = node.directory().join("recording");
    record(&binary, &node.url(), seed, &recorded);
    let Some(clean) = or_skip(name, second_opinion(&recorded)) else { return };
    assert!(clean.counts.is_empty(), "{:#?}", clean.first);
    for what in ["groups", "events", "copies", "marks"] {
        assert!(clean.looked_at(what) > 0, "no {what} were judged: {:?}", clean.looked_at);
    }
    assert_eq!(clean.looked_at("copies_not_understood"), 0);

    let files = Files::read(&recorded);
    let told = Told::find(&files);
    for damage in DAMAGES {
        let mut damaged = files.clone();
        (damage.deal)(&mut damaged, &told);
        assert!(damaged != files, "{}: nothing was damaged", damage.what);
        let verdict = judge(&damaged);
        assert!(verdict.names(damage.breaks), "{}: {:?}", damage.what, verdict.counts);
        let said = verdict.first.iter().any(|words| words.contains(damage.words));
        assert!(said, "{}: {:#?}", damage.what, verdict.first);
    }
}

fn record(binary: &Path, node: &str, seed: u64, recording: &Path) {
    let mut load = Command::new(binary);
    load.args([
        "load",
        "groups",
        "--node",
        node,
        "--people",
        "20",
        "--messages",
        "400",
        "--group-size",
        "10",
    ]);
    load.args(["--seed", &seed.to_string(), "--record"]).arg(recording);
    let played = load.output().expect("the load tool runs");
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stdout));
}

fn judge(damaged: &Files) -> Verdict {
    let directory = tempfile::tempdir().expect("a directory");
    damaged.write(directory.path());
    second_opinion(directory.path()).expect("it judged before")
}
