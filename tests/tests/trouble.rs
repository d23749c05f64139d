//! Whatever clients, disks and operators do wrong: the node says so precisely, and nobody else is harmed.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking; JSON that has no such field is null"
)]

#[path = "trouble/connections.rs"]
mod connections;
#[path = "trouble/keys.rs"]
mod keys;
#[path = "trouble/leaving.rs"]
mod leaving;
#[path = "trouble/refusals.rs"]
mod refusals;
#[path = "trouble/requests.rs"]
mod requests;
#[path = "trouble/resuming.rs"]
mod resuming;
#[path = "trouble/slow.rs"]
mod slow;
#[path = "trouble/store.rs"]
mod store;
#[path = "trouble/tokens.rs"]
mod tokens;

use denrei_tests::node::{Node, NodeSetup};
use denrei_tests::surroundings::{node_binary, or_skip};

/// What kind of node these tests want.
fn setup(name: &str) -> Option<NodeSetup> {
    Some(NodeSetup::of(&or_skip(name, node_binary())?))
}

/// A node of that kind.
fn node(name: &str) -> Option<Node> {
    setup(name).map(NodeSetup::start)
}
