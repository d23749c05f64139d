//! The memory backend: the contract in its shortest form, and the adversary of those who use it.
//!
//! It says what a store may do at its worst: commit late, tell late, commit one shard's batch and not another's, give a
//! shard away, refuse, fail, and crash with any part of the queue durable that the contract allows. Everything happens
//! when a test says so, in an order that is the same each time.

mod adversary;
mod store;
mod world;

pub use store::{MemoryOptions, MemoryStore};

#[cfg(test)]
mod tests;
