//! The embedded backend: one directory, one process, fjall underneath.
//!
//! ```text
//! enqueue ──► encode ──► queue (places) ──► committer ──► one fjall batch a group, with one fsync ──► witness ──► listeners
//!  any thread                 bounded          one thread     rows, counters, inbox, a link of the chain
//!                                                                                  └► latest: the moment that readers see
//! fetch, pending ──► readers (a few threads, bounded) ──► the latest moment, one a call
//! ```
//!
//! Invariants: only the committer writes; a group is a prefix of the queue; what is readable is durable; after an
//! error of a commit nothing is ever written again.

mod chain;
mod committer;
mod disk;
mod encode;
mod error;
mod flight;
mod group;
mod journal;
mod latest;
mod link;
mod lock;
mod meta;
mod opening;
mod options;
mod queue;
mod read;
mod readers;
mod repair;
mod spaces;
mod stats;
mod store;
mod witness;

pub use encode::{Item, Write, encode};
pub use error::OpenError;
pub use journal::{Beyond, Journal};
pub use options::{Durability, EmbeddedOptions};
pub use repair::{Accepted, Inspection, accept_loss, inspect};
pub use spaces::{Space, Spaces};
pub use stats::{LATENCY_BOUNDS_MICROS, StoreStats};
pub use store::{EmbeddedStore, Environment};

#[cfg(test)]
mod tests;
