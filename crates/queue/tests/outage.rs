//! Trouble with the broker: it hangs, it is killed, it refuses what is written to it. No task is lost, nobody spins, and all is
//! done once it is well again.
//!
//! The broker is one of its own, which no other test wants; these tests have it one after the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::clone_on_ref_ptr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says aloud what it skips, and asks the environment where the broker is"
)]

#[path = "outage/broker.rs"]
mod broker;
#[path = "outage/ground.rs"]
mod ground;
#[path = "outage/hanging.rs"]
mod hanging;
#[path = "outage/killed.rs"]
mod killed;
#[path = "outage/refusing.rs"]
mod refusing;
