//! The words of denrei: what every other crate speaks, and nothing that acts.
//!
//! ```text
//! id, position        who and where: AccountId, ChatId, DeviceId; Revision, Seq, RecordNumber
//! shard               hash(home) % shards: the unit of ownership
//! clock, idempotency  time that comes in from outside; keys that say "this is the same request"
//! message, operation  what people write, and what an account must learn of
//! tag                 the hash chained over an account's log
//! row                 the typed rows a decision writes; their keys and stored form
//! record              what one shard tells another through the inbox
//! effects             what a decision wants: rows, operations, records, notices
//! wire                the JSON that devices see: frames, requests, answers
//! ```
//!
//! Invariants: no I/O, no async, no clock of its own outside [`clock`].

pub mod clock;
pub mod effects;
mod hex;
pub mod id;
pub mod idempotency;
pub mod message;
pub mod operation;
pub mod position;
pub mod record;
pub mod row;
pub mod shard;
pub mod tag;
pub mod wire;
mod word;

pub use clock::{Clock, Day, Timestamp};
pub use id::{AccountId, ChatId, DeviceId, LogId};
pub use position::{Revision, Seq};
pub use shard::{Shard, ShardMap};
pub use tag::Tag;
