//! Work that may wait: what a node does by itself, as tasks on a log of its own.
//!
//! ```text
//! Jobs ──opens, after the node is ready──► LocalLog in <data_dir>/log
//!   │                                         └─► Queue: a topic, its group, the subscription that runs its tasks
//!   │ Queues: what is open now                      └─► retention: what need not be kept is swept away, each day
//!   └──► admin: `/debug/queues` on the admin port
//! ```
//!
//! Messages do not wait for any of it: a log that cannot be opened is reported, here and to admins, and the node serves on.

mod admin;
mod open;
mod options;
mod queue;
mod retention;

pub(crate) use admin::page;
pub(crate) use admin::{QueuesAdmin, configure};
pub(crate) use open::{Ground, Jobs};
pub(crate) use options::JobsConfig;
