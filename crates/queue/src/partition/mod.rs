//! One partition while it is ours: a task of the runtime that owns everything about it.
//!
//! ```text
//! records ─► arrive ─┬─► queues ─► running ─► outcome ─┬─► tracker      the offset is complete
//! timers due ────────┘   (a queue per key, N permits)  ├─► outbox       a timer durable, then complete
//!                                                      └─► burial       a dead letter durable, then complete
//! ```
//!
//! A task that is done at once never leaves the first line: it is polled where it arrived. Only what waits is kept aside.

mod actor;
mod arrival;
mod burial;
mod flight;
mod gaps;
mod held;
mod holding;
mod intake;
mod left;
mod limiter;
mod outbox;
mod outcome;
mod queues;
mod quota;
mod recall;
mod timers;
mod tracker;
mod twins;
mod work;

pub(crate) use self::actor::{Assignment, Partition, PartitionHandle};
pub(crate) use self::burial::{Asked, Cemetery, dead_letter_topic, without_added};
pub(crate) use self::gaps::CommitNote;
pub(crate) use self::left::Left;
pub(crate) use self::tracker::Tracker;
pub(crate) use self::work::Budget;
