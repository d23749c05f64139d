//! Frames of HTTP/2, written by hand, for clients that misbehave: no window updates, no PONG, no care for GOAWAY, no reading.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// Kinds of frames.
pub const DATA: u8 = 0;
/// The head of a request or an answer.
pub const HEADERS: u8 = 1;
/// A stream is given up.
pub const RST_STREAM: u8 = 3;
/// Settings of the connection.
pub const SETTINGS: u8 = 4;
/// The connection is going.
pub const GOAWAY: u8 = 7;

/// The reason of a stream that was refused before anything was done with it.
pub const REFUSED_STREAM: u32 = 7;
/// The reason of a stream that the client gives up.
pub const CANCEL: u32 = 8;

/// A frame of HTTP/2.
#[derive(Clone, Debug)]
pub struct Frame {
    /// See the constants.
    pub kind: u8,
    /// Of its kind.
    pub flags: u8,
    /// 0 for the connection.
    pub stream: u32,
    /// The rest.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame.
    #[must_use]
    pub fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    /// `GET path` with this token, complete, in literals without Huffman coding.
    #[must_use]
    pub fn get(stream: u32, path: &str, token: &str) -> Self {
        // Indexed ":method: GET" and ":scheme: http"; ":authority", ":path" and "authorization" with indexed names.
        let mut block = vec![0x82, 0x86, 0x01, 4];
        block.extend_from_slice(b"node");
        block.push(0x04);
        literal(&mut block, path);
        block.extend([0x0f, 23 - 15]);
        literal(&mut block, &format!("Bearer {token}"));
        Self::new(HEADERS, 0x4 | 0x1, stream, &block)
    }

    /// Gives a stream up.
    #[must_use]
    pub fn reset(stream: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
    }

    fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut bytes = length.iter().skip(1).copied().collect::<Vec<u8>>();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// The last four bytes: the reason of a reset, for instance.
    #[must_use]
    pub fn reason(&self) -> u32 {
        self.payload.last_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }
}

/// A string literal: its length as an integer with a prefix of 7 bits, then its bytes.
fn literal(block: &mut Vec<u8>, text: &str) {
    let length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap_or_default());
    } else {
        block.push(127);
        let mut rest = length - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128 + 128).unwrap_or_default());
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap_or_default());
    }
    block.extend_from_slice(text.as_bytes());
}

/// A connection whose client does only what the test says.
pub struct Raw(TcpStream);

impl Raw {
    /// Connects, and says nothing.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the node takes connections"))
    }

    /// Connects and says what an HTTP/2 client must say first.
    pub async fn http2(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        raw.write(PREFACE).await;
        raw.send(&[Frame::new(SETTINGS, 0, 0, &[])]).await;
        raw
    }

    /// Writes bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the node reads");
    }

    /// Writes frames.
    pub async fn send(&mut self, frames: &[Frame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        self.write(&bytes).await;
    }

    /// The next frame, or none at the end of the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let [a, b, c, kind, flags, stream @ ..] = head;
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
        };
        timeout(PATIENCE, read).await.expect("a frame, or the end, in time")
    }

    /// The next frame that is wanted.
    pub async fn frame_like(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.frame().await.expect("the connection does not end yet");
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Everything until the connection ends, or until there has been nothing for a while.
    pub async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A reset ends it as well.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    }
}
