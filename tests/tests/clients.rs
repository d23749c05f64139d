//! Devices that share no code with the project: curl, Python and Node over real sockets. Each registers two people, opens a
//! stream, sends, sees it arrive, misses some, syncs, and takes a FullSync.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; JSON that has no such field is null"
)]

#[path = "clients/curl.rs"]
mod curl;
#[path = "clients/scripts.rs"]
mod scripts;

use denrei_tests::node::{Node, NodeSetup};
use denrei_tests::surroundings::{node_binary, or_skip};

/// A device that misses more than this many takes snapshots; few, so that missing them does not take long.
const MAX_BEHIND: u32 = 5;

/// A node for these clients.
fn node(name: &str) -> Option<Node> {
    let binary = or_skip(name, node_binary())?;
    Some(NodeSetup::of(&binary).option("gateway", &format!("max_behind = {MAX_BEHIND}")).start())
}
