//! One suite over every partitioned log: each promise is a function, each backend keeps it or fails by name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

#[path = "log/backends.rs"]
mod backends;
#[path = "log/embedded.rs"]
mod embedded;
#[path = "log/groups.rs"]
mod groups;
#[path = "log/records.rs"]
mod records;
#[path = "log/retention.rs"]
mod retention;
#[path = "log/timers.rs"]
mod timers;
#[path = "log/topics.rs"]
mod topics;
#[cfg(feature = "kafka")]
#[path = "log/waiting.rs"]
mod waiting;
