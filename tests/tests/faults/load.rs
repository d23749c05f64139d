//! `denrei load` against a node that breaks a guarantee: it fails, and says what was broken first.

use std::path::Path;
use std::process::{Command, Output};

use denrei_tests::chance::Chance;
use denrei_tests::node::NodeSetup;
use denrei_tests::surroundings::{faulty_binary, or_skip};

#[test]
fn load_fails_and_says_in_words_what_a_node_with_a_fault_broke() {
    let name = "load_fails_and_says_in_words_what_a_node_with_a_fault_broke";
    let Some(binary) = or_skip(name, faulty_binary()) else { return };
    let seed = Chance::of(name).seed();
    for pattern in ["direct", "groups"] {
        let (calm, _) = play(&binary, (pattern, ""), seed);
        assert_eq!(calm.status.code(), Some(0), "{calm:?}");
        let (broken, said) = play(&binary, (pattern, "revision-skipped=2%return"), seed);
        assert_eq!(broken.status.code(), Some(1), "{pattern}: {said}");
        let verdict = said.lines().find(|line| line.starts_with("verdict ")).unwrap_or_default();
        assert!(verdict.contains("BROKEN") && verdict.contains("H7"), "{pattern}: {said}");
        // Each of the first is a line of its own, before the verdict.
        let words = said.lines().filter(|line| line.trim_start().starts_with("H7: "));
        assert!(words.clone().count() > 0, "{pattern}: {said}");
        assert!(words.into_iter().all(|line| line.contains("hole")), "{pattern}: {said}");
    }
}

/// What the load tool says to a node with a fault, or with none.
fn play(binary: &Path, (pattern, armed): (&str, &str), seed: u64) -> (Output, String) {
    let node = NodeSetup::of(binary).variable("FAILPOINTS", armed).start();
    let mut load = Command::new(binary);
    load.args(["load", pattern, "--node", &node.url(), "--people", "20", "--messages", "400"]);
    load.args(["--group-size", "10", "--seed", &seed.to_string()]);
    let played = load.output().expect("the load tool runs");
    let said = String::from_utf8_lossy(&played.stdout).into_owned();
    (played, said)
}
