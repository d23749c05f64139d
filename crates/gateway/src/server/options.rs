//! What the operator may set about the HTTP server.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;

use super::ServerError;

/// Options of the HTTP server. None of them reloads: they take effect when the server starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerOptions {
    /// Addresses for HTTP/1.1 and HTTP/2 with prior knowledge, both in cleartext. Default `127.0.0.1:8080`.
    pub listen: Vec<SocketAddr>,

    /// Addresses for HTTP/1.1 and HTTP/2 over TLS, told apart by ALPN. Default none; needs [`Self::tls`].
    pub tls_listen: Vec<SocketAddr>,

    /// Certificate and key, made by [`super::tls`]. Not part of a configuration file.
    #[serde(skip)]
    pub tls: Option<Arc<rustls::ServerConfig>>,

    /// Worker threads, each with its own `App`. Default half of the cores, at least one.
    pub workers: NonZeroUsize,

    /// Connections open at once; one more is accepted and closed at once. Default 65,536.
    pub max_connections: NonZeroUsize,

    /// Streams open at once on one HTTP/2 connection; one more is refused. Default 100.
    pub max_streams_per_connection: NonZeroU32,

    /// Bytes of a request's header list, and 32 for each header, as HTTP/2 counts. Default 16 KiB.
    pub max_header_list: NonZeroU32,

    /// Milliseconds from accepting a connection until its protocol is known and its handshake is done, and again
    /// until an HTTP/1.1 request head is complete. Default 10,000.
    pub handshake_timeout_ms: NonZeroU64,

    /// Milliseconds between HTTP/2 PINGs; a connection without a PONG for one more period closes. Default 25,000.
    pub ping_interval_ms: NonZeroU64,

    /// Milliseconds an HTTP/1.1 connection may idle between two requests. Default 75,000.
    pub http1_idle_ms: NonZeroU64,

    /// Milliseconds that sent bytes may stay unacknowledged, or the peer's receive window closed, before the
    /// kernel gives the connection up. This is what ends an HTTP/1.1 client that never reads; an HTTP/2 answer of a known
    /// length is given up when its window stays closed for as long. Default 60,000.
    pub unacknowledged_timeout_ms: NonZeroU64,

    /// Bytes of a response that may wait in one HTTP/2 stream before its body is asked for more. Default 32 KiB.
    pub stream_buffer: NonZeroU32,

    /// Bytes of a request body that a client may send ahead on one HTTP/2 stream; four times as many on one
    /// connection. Default 64 KiB.
    pub request_window: NonZeroU32,

    /// Bytes of the kernel's send buffer per connection (`SO_SNDBUF`). Default 64 KiB.
    pub send_buffer: NonZeroU32,
}

const fn usize_of(value: usize) -> NonZeroUsize {
    match NonZeroUsize::new(value) {
        Some(value) => value,
        None => NonZeroUsize::MIN,
    }
}

const fn u32_of(value: u32) -> NonZeroU32 {
    match NonZeroU32::new(value) {
        Some(value) => value,
        None => NonZeroU32::MIN,
    }
}

const fn u64_of(value: u64) -> NonZeroU64 {
    match NonZeroU64::new(value) {
        Some(value) => value,
        None => NonZeroU64::MIN,
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            tls_listen: Vec::new(),
            tls: None,
            workers: usize_of(cores / 2),
            max_connections: usize_of(65_536),
            max_streams_per_connection: u32_of(100),
            max_header_list: u32_of(16 * 1024),
            handshake_timeout_ms: u64_of(10_000),
            ping_interval_ms: u64_of(25_000),
            http1_idle_ms: u64_of(75_000),
            unacknowledged_timeout_ms: u64_of(60_000),
            stream_buffer: u32_of(32 * 1024),
            request_window: u32_of(64 * 1024),
            send_buffer: u32_of(64 * 1024),
        }
    }
}

impl ServerOptions {
    /// Refuses what cannot be started.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        if self.listen.is_empty() && self.tls_listen.is_empty() {
            return Err(ServerError::NothingToListenOn);
        }
        if !self.tls_listen.is_empty() && self.tls.is_none() {
            return Err(ServerError::TlsMissing);
        }
        Ok(())
    }

    pub(super) fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms.get())
    }

    pub(super) fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.ping_interval_ms.get())
    }

    pub(super) fn http1_idle(&self) -> Duration {
        Duration::from_millis(self.http1_idle_ms.get())
    }

    pub(super) fn unacknowledged_timeout(&self) -> Duration {
        Duration::from_millis(self.unacknowledged_timeout_ms.get())
    }
}
