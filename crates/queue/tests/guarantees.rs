//! Three instances on eight partitions with a hundred keys and ten thousand tasks, restarted one by one midway; then each
//! promise is asked. And the same with promises broken on purpose, which must be noticed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says aloud what it skips, and asks the environment where the broker is"
)]

#[path = "guarantees/assignments.rs"]
mod assignments;
#[path = "guarantees/crash.rs"]
mod crash;
#[path = "guarantees/faults.rs"]
mod faults;
#[path = "guarantees/kills.rs"]
mod kills;
#[path = "guarantees/restarts.rs"]
mod restarts;
#[path = "guarantees/storm.rs"]
mod storm;
#[path = "guarantees/victim.rs"]
mod victim;
