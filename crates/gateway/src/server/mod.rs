//! The HTTP server under the gateway: an unchanged actix-web `App` over HTTP/1.1 and HTTP/2, cleartext and TLS.
//!
//! ```text
//!  accept (one arbiter)                     worker (one arbiter each, with its own App)
//!  ┌────────────────────┐  bounded queue   ┌───────────────────────────────────────────────┐
//!  │ listener, limit    │ ───────────────▶ │ opening: preface or TLS handshake, timed      │
//!  └────────────────────┘                  │    ├─ HTTP/1.1 → actix-http's dispatcher      │
//!                                          │    └─ HTTP/2   → h2::Dispatcher               │
//!  ServerHandle ── phase (watch) ────────▶ │                    └─ a task per stream       │
//!                                          └───────────────────────────────────────────────┘
//! ```
//!
//! HTTP/2 has its own dispatcher because a device stream is idle most of its life: the body must be dropped the
//! moment the client goes (reset, FIN, GOAWAY, no PONG), a stop must say GOAWAY, and streams must be limited.
//!
//! What a connection may cost is bounded everywhere: the number of connections, the time to open one, the streams
//! on it, the size of a header list, the bytes buffered per stream and in the socket, the time without a PONG.

mod accept;
mod app;
mod connection;
mod error;
mod h1;
mod h2;
mod handle;
mod listener;
mod opening;
mod options;
mod phase;
mod stats;
pub mod tls;
mod wire;
mod worker;

#[cfg(test)]
mod tests;

pub use connection::{Connection, ConnectionId, Protocol};
pub use error::ServerError;
pub use handle::{Server, ServerHandle};
pub use options::ServerOptions;
pub use stats::ServerStats;
