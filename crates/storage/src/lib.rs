//! Where denrei keeps what happened.
//!
//! [`shard`] is the contract for shards; each backend is a folder of its own behind a feature.

#[cfg(feature = "embedded")]
pub mod embedded;
pub mod log;
pub mod shard;
