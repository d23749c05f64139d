//! What the end-to-end tests share: a real node that is started, killed and stopped; devices that speak to it over real
//! sockets; and what looks at the outcome.
//!
//! ```text
//! surroundings  the environment, the clock, what is told aloud
//! chance        a seed for each test, printed
//! node          the real binary in a directory of its own; kill -9, restart, SIGTERM
//! person        a device that calls and follows its stream
//! plain         requests in HTTP/1.1, written by hand
//! raw           frames of HTTP/2, written by hand, for clients that misbehave
//! replay        a replay of many people against a node, and its report
//! judging       a recording judged by the judge in Python, which shares nothing with the one in Rust
//! power         a disk that forgets what was not synced
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says aloud what it skips and what its seed is; JSON that has no such field is null"
)]

pub mod chance;
pub mod judging;
pub mod node;
pub mod person;
pub mod plain;
pub mod power;
pub mod raw;
pub mod replay;
pub mod surroundings;
