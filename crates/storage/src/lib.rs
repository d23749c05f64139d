//! Where denrei keeps what happened.
//!
//! [`shard`] is the contract for shards; each backend is a folder of its own behind a feature.

pub mod shard;
