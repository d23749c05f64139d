//! The HTTP side of denrei.

pub mod server;
