//! What a subscription does with tasks, on a log in memory and a clock that jumps: each test is a promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::clone_on_ref_ptr,
    reason = "a test fails by panicking"
)]

#[path = "behaviour/admin.rs"]
mod admin;
#[path = "behaviour/decaton.rs"]
mod decaton;
#[path = "behaviour/flow.rs"]
mod flow;
#[path = "behaviour/hanging.rs"]
mod hanging;
#[path = "behaviour/held.rs"]
mod held;
#[path = "behaviour/holding.rs"]
mod holding;
#[path = "behaviour/large.rs"]
mod large;
#[path = "behaviour/merging.rs"]
mod merging;
#[path = "behaviour/numbers.rs"]
mod numbers;
#[path = "behaviour/order.rs"]
mod order;
#[path = "behaviour/outcomes.rs"]
mod outcomes;
#[path = "behaviour/ownership.rs"]
mod ownership;
#[path = "behaviour/quota.rs"]
mod quota;
#[path = "behaviour/recorder.rs"]
mod recorder;
#[path = "behaviour/resets.rs"]
mod resets;
#[path = "behaviour/timing.rs"]
mod timing;
#[path = "behaviour/topics.rs"]
mod topics;
