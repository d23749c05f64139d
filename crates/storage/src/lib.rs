//! Where denrei keeps what happened.
//!
//! [`shard`] is the contract for shards; each backend is a folder of its own behind a feature.

#[cfg(any(test, feature = "conformance"))]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken promise ends the test that found it"
)]
pub mod conformance;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod log;
pub mod memory;
pub mod shard;
