//! The device side of denrei.
//!
//! ```text
//! machine    sans-IO: frames and pages in, state and wishes out
//! state      what a device knows, by category; idempotent apply (Rule C)
//! store      where it is kept: in memory, or on disk
//! transport  HTTP/2 connections, JSON calls, streams of frames
//! device     a machine on a transport: what an SDK would be
//! stage      people whose devices are recorded, what they are told to do, how it ends
//! replay     real people's messages against a node, with a verdict
//! load       synthetic patterns against a node, with a verdict
//! judge      the verdict: from recorded raw frames, sharing nothing with the rest
//! ```

pub mod device;
pub mod judge;
pub mod load;
pub mod machine;
pub mod replay;
mod stage;
pub mod state;
pub mod store;
pub mod transport;
