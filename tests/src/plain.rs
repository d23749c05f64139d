//! Requests in HTTP/1.1, written by hand: also such as no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A request.
#[derive(Clone, Debug)]
pub struct Plain {
    head: String,
    body: Vec<u8>,
}

/// What it was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The status; 0 if there was no answer.
    pub status: u16,
    /// The head, in small letters.
    pub head: String,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Plain {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nhost: node\r\n"), body: Vec::new() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a body that says that it is JSON, and its length.
    #[must_use]
    pub fn json(self, body: &str) -> Self {
        let length = body.len().to_string();
        let mut with = self.header("content-type", "application/json").header("content-length", &length);
        with.body = body.as_bytes().to_vec();
        with
    }

    /// With these bytes after the head; headers are the caller's.
    #[must_use]
    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends it on a connection of its own and reads the whole answer.
    pub async fn send(&self, address: SocketAddr) -> Told {
        let mut socket = TcpStream::connect(address).await.expect("the node takes connections");
        let bytes = [self.head.as_bytes(), b"connection: close\r\n\r\n", &self.body].concat();
        // A node that has answered need not read the rest.
        let _ = socket.write_all(&bytes).await;
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
        let _ = read.expect("an answer in time");
        Told::parse(&String::from_utf8_lossy(&answer))
    }
}

impl Told {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
    }

    /// Fails unless it is a problem with this status and code, told as a problem is.
    pub fn assert_problem(&self, what: &str, status: u16, code: &str) {
        assert_eq!((self.status, &self.body["code"]), (status, &Value::from(code)), "{what}: {self:?}");
        assert_eq!(self.body["status"], status, "{what}: {self:?}");
        assert_eq!(self.body["type"], format!("/problems/{code}"), "{what}: {self:?}");
        assert!(self.body["title"].is_string(), "{what}: {self:?}");
        assert!(self.head.contains("content-type: application/problem+json"), "{what}: {self:?}");
        assert_eq!(self.head.contains("www-authenticate"), status == 401, "{what}: {self:?}");
    }
}
