//! The HTTP side of denrei.

pub mod auth;
pub mod limit;
pub mod options;
pub mod problem;
pub mod random;
pub mod server;
pub mod state;
pub mod token;

mod refusal;
