//! A connection: HTTP/2, in the clear with prior knowledge, or over TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::greeting::{Greeting, Heard};
use super::tls::Trust;

/// How long connecting and the handshake may take.
const CONNECT: Duration = Duration::from_secs(5);
/// What a node may send ahead on one stream and on the connection; small, since devices are many in a load test.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Where a node is, and how much it may send ahead.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port as they go into requests.
    pub authority: String,
    /// Bytes that the node may send on one stream before they are read.
    pub stream_window: u32,
    /// Whom to trust; absent in the clear.
    trust: Option<Trust>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none that this client can use.
    #[error("{0}: expected http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    /// There is no such host, as far as the system knows.
    #[error("the host of {authority} is not known")]
    Unresolved {
        /// Host and port.
        authority: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The node is not there.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The connection broke before the node had answered.
    #[error(transparent)]
    Http(#[from] h2::Error),
    /// Somebody is there who does not speak HTTP/2.
    #[error("the peer does not speak HTTP/2: {0}")]
    NotHttp2(&'static str),
    /// Somebody is there who does not speak TLS.
    #[error("the peer does not speak TLS, as https:// says it does: {0}")]
    NotTls(rustls::Error),
    /// The node is not trusted, or does not agree to a way to speak.
    #[error("the TLS handshake failed: {0}")]
    Handshake(rustls::Error),
    /// The node speaks TLS, and not HTTP/2 over it.
    #[error("the node does not offer HTTP/2")]
    NoHttp2,
    /// The file with the certificates to trust cannot be used.
    #[error("cannot read certificates from {path}: {reason}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificates to trust, and nothing to trust them for.
    #[error("the certificates of {} are of no use at {url}: only https:// is encrypted", .path.display())]
    InTheClear {
        /// The file with the certificates.
        path: PathBuf,
        /// The address.
        url: String,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The node does not answer.
    #[error("no answer within {CONNECT:?}")]
    TimedOut,
}

impl ConnectError {
    /// Whether another attempt will meet with the same: what is there is not what the address says.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Io(_) | Self::Http(_) | Self::TimedOut => false,
            Self::Address(_)
            | Self::Unresolved { .. }
            | Self::NotHttp2(_)
            | Self::NotTls(_)
            | Self::Handshake(_)
            | Self::NoHttp2
            | Self::Certificates { .. }
            | Self::InTheClear { .. }
            | Self::Tls(_) => true,
        }
    }
}

impl Target {
    /// The node at this URL; over TLS, the system's authorities are trusted.
    ///
    /// # Errors
    /// If it is not `http://HOST:PORT` or `https://HOST:PORT`.
    pub fn parse(url: &str) -> Result<Self, ConnectError> {
        Self::trusting(url, Trust::of_system)
    }

    /// The node at this URL; over TLS, the certificates of this PEM file are trusted and no others.
    ///
    /// # Errors
    /// As [`Target::parse`], or if the file cannot be used, or the URL is `http://`.
    pub fn parse_trusting(url: &str, certificates: &Path) -> Result<Self, ConnectError> {
        let target = Self::trusting(url, || Trust::of_file(certificates))?;
        if target.trust.is_none() {
            return Err(ConnectError::InTheClear { path: certificates.to_owned(), url: url.to_owned() });
        }
        Ok(target)
    }

    fn trusting(
        url: &str,
        trust: impl FnOnce() -> Result<Trust, ConnectError>,
    ) -> Result<Self, ConnectError> {
        let wrong = || ConnectError::Address(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let authority = rest.trim_end_matches('/');
        let is_complete = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
        if !authority.rsplit_once(':').is_some_and(is_complete) {
            return Err(wrong());
        }
        let trust = match scheme {
            "http" => None,
            "https" => Some(trust()?),
            _ => return Err(wrong()),
        };
        Ok(Self { authority: authority.to_owned(), stream_window: STREAM_WINDOW, trust })
    }

    /// The URL: what goes before the path of a request.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.trust.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// The same node, which may send this many bytes ahead on one stream.
    #[must_use]
    pub fn with_stream_window(self, bytes: u32) -> Self {
        Self { stream_window: bytes, ..self }
    }
}

/// A connection to a node. Dropping it closes it.
pub struct Connection {
    pub(super) sender: SendRequest<Bytes>,
    /// Scheme and authority: what goes before the path of a request.
    pub(super) base: String,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Connects, and waits until the peer has shown that it speaks HTTP/2: that a port is open says nothing of a node.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn open(target: &Target) -> Result<Self, ConnectError> {
        // The system's own patience: it is longer, and ends with what is wrong.
        let addresses = lookup_host(&target.authority)
            .await
            .map_err(|source| ConnectError::Unresolved { authority: target.authority.clone(), source })?;
        let addresses: Vec<_> = addresses.collect();
        timeout(CONNECT, Self::shake_hands(target, &addresses)).await.map_err(|_| ConnectError::TimedOut)?
    }

    async fn shake_hands(target: &Target, addresses: &[SocketAddr]) -> Result<Self, ConnectError> {
        let socket = TcpStream::connect(addresses).await?;
        socket.set_nodelay(true)?;
        match &target.trust {
            None => Self::over(socket, target).await,
            Some(trust) => Self::over(trust.connect(&target.authority, socket).await?, target).await,
        }
    }

    async fn over(
        wire: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        target: &Target,
    ) -> Result<Self, ConnectError> {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(target.stream_window).initial_connection_window_size(CONNECTION_WINDOW);
        builder.enable_push(false);
        let greeting = Greeting::default();
        let met = Self::meet(&builder, Heard::new(wire, greeting.clone())).await;
        let (sender, connection) =
            met.map_err(|error| greeting.foreign().map_or_else(|| error.into(), ConnectError::NotHttp2))?;
        let driver = tokio::spawn(async move {
            // How it ended is seen by whoever waits on it.
            let _ = connection.await;
        });
        Ok(Self { sender, base: target.url(), driver })
    }

    /// Shakes hands, and waits for the answer to a PING: the peer's SETTINGS come before it.
    async fn meet<W: AsyncRead + AsyncWrite + Unpin>(
        builder: &h2::client::Builder,
        wire: W,
    ) -> Result<(SendRequest<Bytes>, h2::client::Connection<W>), h2::Error> {
        let (sender, mut connection) = builder.handshake(wire).await?;
        if let Some(mut pings) = connection.ping_pong() {
            tokio::select! {
                // First what is read: it may say why there is no answer.
                biased;
                ended = &mut connection => {
                    ended?;
                    return Err(h2::Error::from(h2::Reason::NO_ERROR));
                }
                answered = pings.ping(h2::Ping::opaque()) => { answered?; }
            }
        }
        Ok((sender, connection))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_of_no_use_in_the_clear() {
        let refused = Target::parse_trusting("http://localhost:8080", Path::new("ca.pem")).unwrap_err();
        let said =
            "the certificates of ca.pem are of no use at http://localhost:8080: only https:// is encrypted";
        assert_eq!(refused.to_string(), said);
    }
}
