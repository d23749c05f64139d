//! Counters of the server, shared by all its threads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::Notify;

/// A snapshot of the server's counters. "Open" is now, everything else is since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Connections open now, those still in their handshake included.
    pub connections_open: usize,
    /// Connections accepted and served.
    pub connections_accepted: u64,
    /// Connections closed at once because [`super::ServerOptions::max_connections`] were open.
    pub connections_refused: u64,
    /// Failures of the listener itself, such as too many open files.
    pub accept_failures: u64,
    /// Connections that were not HTTP: an error, a broken TLS handshake, or a request that cannot be parsed.
    pub handshake_failures: u64,
    /// Connections that took longer than [`super::ServerOptions::handshake_timeout_ms`].
    pub handshake_timeouts: u64,
    /// HTTP/2 streams open now.
    pub streams_open: usize,
    /// HTTP/2 streams whose client reset them or went away before the response was complete.
    pub streams_abandoned: u64,
    /// HTTP/2 connections closed for want of a PONG.
    pub ping_timeouts: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    connections_open: AtomicUsize,
    connections_accepted: AtomicU64,
    connections_refused: AtomicU64,
    accept_failures: AtomicU64,
    handshake_failures: AtomicU64,
    handshake_timeouts: AtomicU64,
    streams_open: AtomicUsize,
    streams_abandoned: AtomicU64,
    ping_timeouts: AtomicU64,
    no_connection: Notify,
}

impl Counters {
    pub(super) fn snapshot(&self) -> ServerStats {
        ServerStats {
            connections_open: self.connections_open.load(Relaxed),
            connections_accepted: self.connections_accepted.load(Relaxed),
            connections_refused: self.connections_refused.load(Relaxed),
            accept_failures: self.accept_failures.load(Relaxed),
            handshake_failures: self.handshake_failures.load(Relaxed),
            handshake_timeouts: self.handshake_timeouts.load(Relaxed),
            streams_open: self.streams_open.load(Relaxed),
            streams_abandoned: self.streams_abandoned.load(Relaxed),
            ping_timeouts: self.ping_timeouts.load(Relaxed),
        }
    }

    /// Takes one of `limit` places, or counts a refusal.
    pub(super) fn admit(self: &Arc<Self>, limit: usize) -> Option<ConnectionGuard> {
        let guard = ConnectionGuard::new(Arc::clone(self));
        if guard.before >= limit {
            self.connections_refused.fetch_add(1, Relaxed);
            return None;
        }
        self.connections_accepted.fetch_add(1, Relaxed);
        Some(guard)
    }

    pub(super) fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn handshake_failed(&self) {
        self.handshake_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn handshake_timed_out(&self) {
        self.handshake_timeouts.fetch_add(1, Relaxed);
    }

    pub(super) fn stream_abandoned(&self) {
        self.streams_abandoned.fetch_add(1, Relaxed);
    }

    pub(super) fn ping_timed_out(&self) {
        self.ping_timeouts.fetch_add(1, Relaxed);
    }

    /// Waits until no connection is open.
    pub(super) async fn no_connection(&self) {
        let mut notified = std::pin::pin!(self.no_connection.notified());
        loop {
            // Enabled before the look, so that a guard dropped in between is not missed.
            notified.as_mut().enable();
            if self.connections_open.load(Relaxed) == 0 {
                return;
            }
            notified.as_mut().await;
            notified.set(self.no_connection.notified());
        }
    }
}

/// One open connection; dropped with it.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    counters: Arc<Counters>,
    /// How many were open before this one.
    before: usize,
}

impl ConnectionGuard {
    fn new(counters: Arc<Counters>) -> Self {
        let before = counters.connections_open.fetch_add(1, Relaxed);
        Self { counters, before }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if self.counters.connections_open.fetch_sub(1, Relaxed) == 1 {
            self.counters.no_connection.notify_waiters();
        }
    }
}

/// One open HTTP/2 stream; dropped with it.
#[derive(Debug)]
pub(super) struct StreamGuard(Arc<Counters>);

impl StreamGuard {
    pub(super) fn new(counters: &Arc<Counters>) -> Self {
        counters.streams_open.fetch_add(1, Relaxed);
        Self(Arc::clone(counters))
    }

    pub(super) fn abandoned(&self) {
        self.0.stream_abandoned();
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.streams_open.fetch_sub(1, Relaxed);
    }
}
