//! Devices against a server that is nothing but a model of one: it keeps everything in memory, is right about everything, and
//! goes wrong where a test wants it to.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics says what is wrong")]

mod convergence;
mod damage;
mod server;
