//! The HTTP side of denrei.
//!
//! ```text
//! server (HTTP/1.1, HTTP/2, TLS) ─► request (who calls, key, body) ─► api ─────► actors
//!                                     │ auth, limit, problem       └► stream ──► durable rows, live frames
//! admin port ─────────────────────────┴──────────────────────────────► debug
//! ```

pub mod api;
pub mod auth;
pub mod connection;
pub mod cors;
pub mod debug;
pub mod limit;
pub mod options;
pub mod problem;
pub mod random;
pub mod registration;
pub mod request;
pub mod server;
pub mod state;
pub mod stream;
pub mod token;
pub mod traffic;

mod openapi;
mod refusal;
