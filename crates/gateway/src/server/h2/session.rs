//! The HTTP/2 session of one connection, with the limits that bound what it may cost.

use bytes::Bytes;
use h2::server::{Builder, Connection};

use crate::server::{ServerOptions, wire::Wire};

/// Streams that were reset before they were accepted; more of them is the "rapid reset" attack, and ends the
/// connection.
const PENDING_RESETS: usize = 20;

/// Streams kept for a moment after this side has reset them, so that late frames are told from wrong ones.
const REMEMBERED_RESETS: usize = 10;

/// Streams reset for errors of the client before the connection is ended.
const CLIENT_ERRORS: usize = 256;

/// A connection's windows for request bodies are this many times a stream's, so that one stream whose body nobody
/// reads does not stop the others.
const WINDOWS: u32 = 4;

/// The largest window HTTP/2 knows.
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// An HTTP/2 session whose handshake is done.
pub(in crate::server) struct Session {
    pub(super) frames: Connection<Wire, Bytes>,
    pub(super) connection: std::rc::Rc<crate::server::Connection>,
}

impl Session {
    /// Exchanges prefaces and sends the settings.
    pub(in crate::server) async fn handshake(wire: Wire, options: &ServerOptions) -> Result<Self, h2::Error> {
        let connection = std::rc::Rc::clone(&wire.connection);
        let window = options.request_window.get().min(MAX_WINDOW);
        let frames = Builder::new()
            .initial_window_size(window)
            .initial_connection_window_size(window.saturating_mul(WINDOWS).min(MAX_WINDOW))
            .max_concurrent_streams(options.max_streams_per_connection.get())
            .max_header_list_size(options.max_header_list.get())
            .max_send_buffer_size(usize::try_from(options.stream_buffer.get()).unwrap_or(usize::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_concurrent_reset_streams(REMEMBERED_RESETS)
            .max_local_error_reset_streams(Some(CLIENT_ERRORS))
            .handshake(wire)
            .await?;
        Ok(Self { frames, connection })
    }
}
