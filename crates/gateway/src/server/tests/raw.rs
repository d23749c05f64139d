//! HTTP written by hand, for clients that misbehave.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::app::soon;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const HEADERS: u8 = 1;
pub(super) const ACK: u8 = 1;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    /// `GET path`, complete, in literals without Huffman coding.
    pub(super) fn get(stream: u32, path: &str) -> Self {
        // Indexed ":method: GET" and ":scheme: http"; ":authority" and ":path" with indexed names.
        let mut block = vec![0x82, 0x86, 0x01, 1, b'h', 0x04, path.len() as u8];
        block.extend_from_slice(path.as_bytes());
        Self::new(HEADERS, 0x4 | 0x1, stream, &block)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let length = (self.payload.len() as u32).to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// A connection whose client does only what the test says: no window updates, no PONG, no care for GOAWAY.
pub(super) struct Raw(pub(super) TcpStream);

impl Raw {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        Self(TcpStream::connect(addr).await.expect("connects"))
    }

    /// Connects and says what an HTTP/2 client must say first.
    pub(super) async fn http2(addr: SocketAddr) -> Self {
        let mut raw = Self::connect(addr).await;
        raw.write(PREFACE).await;
        raw.send(&[Frame::new(SETTINGS, 0, 0, &[])]).await;
        raw
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("writes");
    }

    pub(super) async fn send(&mut self, frames: &[Frame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        self.write(&bytes).await;
    }

    /// The next frame, or `None` at the end of the connection.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        soon(self.0.read_exact(&mut head)).await.ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        soon(self.0.read_exact(&mut payload)).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame that `wanted` accepts.
    pub(super) async fn frame_like(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.frame().await.expect("the connection should not end yet");
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Everything until the connection ends.
    pub(super) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A reset ends it as well.
        let _ = soon(self.0.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Everything until `end` was read.
    pub(super) async fn until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(end) {
            let byte = soon(self.0.read_u8()).await.expect("more bytes");
            all.push(byte);
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}
