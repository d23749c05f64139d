//! The embedded store in trouble: killed, damaged, opened twice, without disk, with commits that fail.

#![cfg(feature = "embedded")]

mod damage;
mod harness;
mod kill;
mod limits;
mod rows;
