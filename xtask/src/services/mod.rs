//! Services for tests: an address from the environment, else containers where an engine answers, else a process of our own.
//!
//! ```text
//! up ──► given?  DENREI_KAFKA and the like: nothing is started
//!   └──► answers already?  used as it is
//!   └──► engine?  docker|podman compose, xtask/services/compose.yaml
//!   └──► jars by Maven, or a program of the system ──► process below the state folder ──► its port answers
//! ```

mod cassandra;
mod containers;
mod dogma;
pub(crate) mod jars;
mod kafka;
mod lifecycle;
mod process;
mod redis;
mod service;

pub(crate) use lifecycle::{Action, down, run, up, variables};
pub(crate) use service::Service;
