//! The runtime of denrei and its actors.
//!
//! ```text
//! Handle ──try_send──► ShardActor          one per shard; owns the order of everything that happens on it
//!                        │  names and prefetches rows, activates entities
//!                        ├─Turn──► EntityActor<Account | Chatroom | Name>     decide(&state, rows, facts) -> Effects
//!                        ◄─TurnDone─┘
//!                        │  Ledger: revisions, tags, record numbers
//!                        ├─enqueue──► ShardStore ──committed──► replies, pushes, timers
//!                        └─records──► the ShardActor of their destination
//! ```
//!
//! [`account`], [`chatroom`] and [`name`] are the actors: a folder each, a file a message. [`shard`] is the runtime.
//!
//! Invariants: no backend is named here; only a shard's registry holds an entity's `Addr`; nothing leaves a shard before
//! the ticket that it rests on is durable; `decide` is pure.

pub mod account;
pub mod chatroom;
pub mod command;
pub mod entity;
pub mod name;
mod route;
pub mod rows;
pub mod runtime;
pub mod session;
pub mod shard;

pub use command::{Command, CommandError, Decision, Facts, Origin};
pub use runtime::{Handle, Runtime, RuntimeOptions};
