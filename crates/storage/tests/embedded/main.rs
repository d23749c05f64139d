//! The embedded store in trouble: killed, damaged, opened twice, without disk, with commits that fail.

#![cfg(feature = "embedded")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails says so by panicking")]

mod damage;
mod harness;
mod kill;
mod limits;
mod moments;
mod rows;
