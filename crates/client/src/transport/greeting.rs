//! How a peer begins: one that does not speak HTTP/2 ends a connection much as a broken network does, and is told from that by
//! its first bytes alone.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Up to the type of the first frame.
const ENOUGH: usize = 4;
/// Frames that a node begins with: SETTINGS always, or GOAWAY where it gives up at once.
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// The first bytes of a peer, once they are there.
#[derive(Clone, Default)]
pub(super) struct Greeting(Arc<OnceLock<[u8; ENOUGH]>>);

impl Greeting {
    /// What it speaks instead, if it has said something that is not HTTP/2.
    pub(super) fn foreign(&self) -> Option<&'static str> {
        match self.0.get()? {
            [_, _, _, SETTINGS | GOAWAY] => None,
            // An alert, in any version.
            [0x15, 3, _, _] => Some("it speaks TLS, as at https://"),
            b"HTTP" => Some("it speaks HTTP/1"),
            _ => Some("it speaks something else"),
        }
    }
}

/// A wire whose first bytes are looked at as they are read.
pub(super) struct Heard<W> {
    wire: W,
    begun: Vec<u8>,
    greeting: Greeting,
}

impl<W> Heard<W> {
    pub(super) fn new(wire: W, greeting: Greeting) -> Self {
        Self { wire, begun: Vec::new(), greeting }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let missing = ENOUGH.saturating_sub(self.begun.len());
        self.begun.extend(bytes.iter().take(missing));
        if let Ok(greeting) = <[u8; ENOUGH]>::try_from(&*self.begun) {
            // Set once: nothing is missing from then on.
            let _ = self.greeting.0.set(greeting);
        }
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for Heard<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(cx, buffer);
        if self.begun.len() < ENOUGH {
            self.hear(buffer.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Heard<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What is thought of a peer that says these parts one after the other.
    async fn thought_of(parts: &[&[u8]]) -> Option<&'static str> {
        let (near, mut far) = tokio::io::duplex(64);
        let greeting = Greeting::default();
        let mut heard = Heard::new(near, greeting.clone());
        for part in parts {
            far.write_all(part).await.unwrap();
            let mut read = vec![0; part.len()];
            heard.read_exact(&mut read).await.unwrap();
            assert_eq!(read, *part);
        }
        greeting.foreign()
    }

    #[tokio::test]
    async fn peers_that_do_not_speak_http_2_are_told_by_their_first_bytes() {
        assert_eq!(thought_of(&[b"\0\0\x12\x04\0\0\0\0\0"]).await, None);
        assert_eq!(thought_of(&[b"\0", b"\0\x12", b"\x04\0", b"HTTP"]).await, None);
        assert_eq!(thought_of(&[b"\0\0\x08\x07\0\0\0\0\0"]).await, None);
        let tls = thought_of(&[b"\x15\x03", b"\x03\0\x02\x02\x0a"]).await;
        assert_eq!(tls, Some("it speaks TLS, as at https://"));
        assert_eq!(thought_of(&[b"HTTP/1.1 400 Bad Request\r\n"]).await, Some("it speaks HTTP/1"));
        assert_eq!(thought_of(&[b"SSH-2.0-OpenSSH_9.9\r\n"]).await, Some("it speaks something else"));
    }

    #[tokio::test]
    async fn nothing_is_thought_of_a_peer_that_said_too_little() {
        assert_eq!(thought_of(&[]).await, None);
        assert_eq!(thought_of(&[b"HTT"]).await, None);
    }
}
