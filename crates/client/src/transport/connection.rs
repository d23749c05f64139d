//! A connection: cleartext HTTP/2 with prior knowledge.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long connecting and the handshake may take.
const CONNECT: Duration = Duration::from_secs(5);
/// What a node may send ahead on one stream and on the connection; small, since devices are many in a load test.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Where a node is, and how much it may send ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host and port as they go into requests.
    pub authority: String,
    /// Bytes that the node may send on one stream before they are read.
    pub stream_window: u32,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none that this client can use.
    #[error("{0}: expected http://HOST:PORT")]
    Address(String),
    /// The node is not there.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The node does not speak HTTP/2.
    #[error("{0}")]
    Http(#[from] h2::Error),
    /// The node does not answer.
    #[error("no answer within {CONNECT:?}")]
    TimedOut,
}

impl Target {
    /// The node at this URL.
    ///
    /// # Errors
    /// If it is not `http://HOST:PORT`.
    pub fn parse(url: &str) -> Result<Self, ConnectError> {
        let rest = url.strip_prefix("http://").ok_or_else(|| ConnectError::Address(url.to_owned()))?;
        let authority = rest.trim_end_matches('/');
        match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self { authority: authority.to_owned(), stream_window: STREAM_WINDOW })
            }
            _ => Err(ConnectError::Address(url.to_owned())),
        }
    }

    /// The same node, which may send this many bytes ahead on one stream.
    #[must_use]
    pub fn with_stream_window(self, bytes: u32) -> Self {
        Self { stream_window: bytes, ..self }
    }

    async fn address(&self) -> Result<SocketAddr, ConnectError> {
        let mut found = lookup_host(&self.authority).await?;
        found.next().ok_or_else(|| ConnectError::Address(self.authority.clone()))
    }
}

/// A connection to a node. Dropping it closes it.
pub struct Connection {
    pub(super) sender: SendRequest<Bytes>,
    pub(super) authority: String,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn open(target: &Target) -> Result<Self, ConnectError> {
        timeout(CONNECT, Self::shake_hands(target)).await.map_err(|_| ConnectError::TimedOut)?
    }

    async fn shake_hands(target: &Target) -> Result<Self, ConnectError> {
        let socket = TcpStream::connect(target.address().await?).await?;
        socket.set_nodelay(true)?;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(target.stream_window).initial_connection_window_size(CONNECTION_WINDOW);
        builder.enable_push(false);
        let (sender, connection) = builder.handshake(socket).await?;
        let driver = tokio::spawn(async move {
            // How it ended is seen by whoever waits on it.
            let _ = connection.await;
        });
        Ok(Self { sender, authority: target.authority.clone(), driver })
    }

    /// Whether it is known to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Closes it under everybody who waits on it, as a network that goes away would.
    pub fn cut(&self) {
        self.driver.abort();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
