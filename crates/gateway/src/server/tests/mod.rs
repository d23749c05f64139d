//! The server's promises, over real sockets on the loopback interface.
//!
//! The client is the `h2` crate, or bytes written by hand where a client must misbehave. Nothing sleeps to see
//! whether something happens: the application under test reports what became of its handlers and bodies.

mod app;
mod client;
mod disconnects;
mod draining;
mod limits;
mod protocols;
mod raw;
mod settings;
mod streaming;
mod tls;
