//! The bytes of a connection: cleartext or TLS, with the first bytes given back after they were looked at.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::{Connection, Protocol};

/// What every HTTP/2 client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    /// Boxed because a TLS session is a kilobyte, and most connections of a development node have none.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection whose protocol is known.
#[derive(Debug)]
pub(super) struct Wire {
    transport: Transport,
    pub(super) connection: Rc<Connection>,
    first: First,
}

impl Wire {
    /// Reads from a cleartext connection until it is clear which protocol it speaks.
    ///
    /// The bytes are read rather than peeked: after half a preface a peek would be ready again at once, and spin.
    pub(super) async fn detect(mut stream: TcpStream, connection: Connection) -> io::Result<Self> {
        let mut first = First::default();
        let protocol = loop {
            let read = stream.read(first.room()).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            first.end += read;
            if let Some(protocol) = first.protocol() {
                break protocol;
            }
        };
        let connection = Rc::new(Connection { protocol, ..connection });
        Ok(Self { transport: Transport::Plain(stream), connection, first })
    }

    /// A TLS connection speaks what was agreed on by ALPN, and HTTP/1.1 if nothing was.
    pub(super) fn secured(stream: TlsStream<TcpStream>, connection: Connection) -> Self {
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let connection = Rc::new(Connection { protocol, secure: true, ..connection });
        Self { transport: Transport::Tls(Box::new(stream)), connection, first: First::default() }
    }
}

/// The first bytes of a connection, until they are given back.
#[derive(Debug, Default)]
struct First {
    bytes: [u8; PREFACE.len()],
    given: usize,
    end: usize,
}

impl First {
    fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.given..self.end).unwrap_or_default()
    }

    fn protocol(&self) -> Option<Protocol> {
        let read = self.rest();
        if !PREFACE.starts_with(read) {
            return Some(Protocol::Http1);
        }
        (read.len() == PREFACE.len()).then_some(Protocol::Http2)
    }

    fn give_back(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = self.rest();
        let fits = rest.get(..buf.remaining()).unwrap_or(rest);
        let count = fits.len();
        buf.put_slice(fits);
        self.given += count;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.rest().is_empty() {
            self.first.give_back(buf);
            return Poll::Ready(Ok(()));
        }
        match &mut self.transport {
            Transport::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Transport::Tls(io) => {
                // A peer that closes without close_notify is common, and HTTP frames its own messages: plain end.
                match ready!(Pin::new(io).poll_read(cx, buf)) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                    other => Poll::Ready(other),
                }
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Transport::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Transport::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(io) => io.is_write_vectored(),
            Transport::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(io) => Pin::new(io).poll_flush(cx),
            Transport::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Transport::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
