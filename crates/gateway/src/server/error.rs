//! Why the HTTP server could not start.

use std::{io, net::SocketAddr};

/// Why the HTTP server could not start. Once it runs, trouble with one connection ends that connection only and is
/// counted in [`super::ServerStats`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The workers are arbiters of the caller's actix system, and there is none on this thread.
    #[error("no actix system runs on this thread")]
    NoSystem,
    /// Neither a cleartext nor a TLS address is configured.
    #[error("no address to listen on")]
    NothingToListenOn,
    /// TLS addresses are configured without a certificate.
    #[error("a TLS address needs a certificate")]
    TlsMissing,
    /// An address could not be bound.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a worker thread")]
    Thread(#[source] io::Error),
    /// The application could not be built on its worker.
    #[error("the application did not start on worker {worker}: {reason}")]
    App {
        /// Which worker, from 0.
        worker: usize,
        /// What the application said.
        reason: String,
    },
}
