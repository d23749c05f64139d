//! Power cuts: whatever no sync has covered is gone from the disk. Nothing that was acknowledged may be among it.

use std::path::Path;

use denrei_client::transport::Call;
use denrei_tests::chance::Chance;
use denrei_tests::node::{Node, NodeSetup};
use denrei_tests::person::Person;
use denrei_tests::power::{self, Loss, Shim, Taken};
use denrei_tests::replay::{Replay, ReplaySetup, made_up};
use denrei_tests::surroundings::{node_binary, or_skip};

const PEOPLE: usize = 60;
/// Enough that every cut finds the replay under way: a send waits for a slow sync, and not many wait at once.
const MESSAGES: usize = 10_000;
const IN_FLIGHT: usize = 16;
const SYNC_MS: u32 = 20;
const CUTS: usize = 10;

#[test]
fn ten_power_cuts_lose_nothing_that_was_acknowledged() {
    let name = "ten_power_cuts_lose_nothing_that_was_acknowledged";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let Some(shim) = or_skip(name, Shim::compile(directory.path())) else { return };
    let mut chance = Chance::of(name);
    let (mut node, mut replay) = begin(&binary, NodeSetup::of(&binary), &shim, &mut chance);
    let mut taken = Taken::default();
    for cut in 1..=CUTS {
        std::thread::sleep(chance.millis(200, 900));
        assert!(replay.is_running(), "the replay was over before cut {cut}");
        // Every second time each write is lost or kept by itself.
        let mut loss = if cut % 2 == 0 { Loss::Some(&mut chance) } else { Loss::Everything };
        let lost = power::cut(&mut node, &mut loss);
        taken.writes += lost.writes;
        taken.bytes += lost.bytes;
        let took = node.restart();
        println!("cut {cut}: {lost:?}, ready again after {} ms", took.as_millis());
    }
    let report = replay.finish();
    println!("the cuts took {taken:?}; {report:?}");
    report.assert_clean();
    assert!(taken.writes > CUTS, "the disk forgot next to nothing: {taken:?}");
}

#[tokio::test]
async fn a_message_survives_a_power_cut_and_without_syncs_it_does_not() {
    let name = "a_message_survives_a_power_cut_and_without_syncs_it_does_not";
    let Some(binary) = or_skip(name, node_binary()) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let Some(shim) = or_skip(name, Shim::compile(directory.path())) else { return };
    for (durability, survives) in [("sync", true), ("os", false)] {
        let setup = NodeSetup::of(&binary).option("store", &format!("durability = \"{durability}\""));
        let mut node = forgetful(setup, &shim);
        let [ann, bob] = [Person::register(&node, "Ann").await, Person::register(&node, "Bob").await];
        let sent = ann.send(&bob.account, "still here?").await;
        bob.reached(1).await;
        let taken = power::cut(&mut node, &mut Loss::Everything);
        println!("{durability}: {taken:?}");
        node.restart();
        bob.reconnect().await;
        let chat = sent["chat"].as_str().expect("a chat");
        let answer = bob.ask(Call::get(format!("/v1/chats/{chat}/messages?limit=10"))).await;
        assert_eq!(answer.body.contains("still here?"), survives, "{durability}: {answer:?}");
    }
}

/// A node on a disk that forgets what was not synced.
fn forgetful(setup: NodeSetup, shim: &Shim) -> Node {
    // The first start makes the directory that is watched from the second on.
    let mut node = shim.slow_syncs(setup, SYNC_MS).start();
    node.stop();
    power::watch(&mut node);
    node.restart();
    node
}

/// A forgetful node with a replay under way.
fn begin(binary: &Path, setup: NodeSetup, shim: &Shim, chance: &mut Chance) -> (Node, Replay) {
    let node = forgetful(setup, shim);
    let file = made_up(node.directory(), PEOPLE, MESSAGES, chance);
    let replay = ReplaySetup { file: &file, limit: None, in_flight: IN_FLIGHT, seed: chance.seed() };
    let replay = replay.start(binary, &node);
    (node, replay)
}
