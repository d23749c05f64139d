//! A stream of lines, as a device reads its frames.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use tokio::time::sleep;

use super::CallError;

/// Longest line that is taken.
const MAX_LINE: usize = 16 * 1024 * 1024;
/// A slow reader takes what it may this many times a second.
const SIPS: u32 = 10;

/// Lines of a response, one at a time.
pub struct Lines {
    body: RecvStream,
    buffer: Vec<u8>,
    /// How much of the buffer has been looked through for a line feed.
    looked: usize,
    bytes: u64,
    /// What has come and was not taken yet; the node is given no room for it.
    held: Bytes,
    /// Bytes a second that are taken; as they come if absent.
    pace: Option<NonZeroU32>,
}

impl Lines {
    pub(super) fn new(body: RecvStream) -> Self {
        Self { body, buffer: Vec::new(), looked: 0, bytes: 0, held: Bytes::new(), pace: None }
    }

    /// Takes no more than this many bytes a second from now on; all that comes if absent.
    pub const fn set_pace(&mut self, bytes_per_second: Option<NonZeroU32>) {
        self.pace = bytes_per_second;
    }

    /// Bytes received so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line, without its line feed; none when the stream has ended. May be dropped and called again.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn next(&mut self) -> Result<Option<String>, CallError> {
        loop {
            if let Some(line) = self.take()? {
                return Ok(Some(line));
            }
            if self.held.is_empty() {
                let Some(part) = self.body.data().await else { return Ok(None) };
                self.held = part?;
            }
            let part = self.sip().await;
            self.body.flow_control().release_capacity(part.len())?;
            self.bytes += part.len() as u64;
            self.buffer.extend_from_slice(&part);
            if self.buffer.len() > MAX_LINE {
                return Err(CallError::Malformed("a line is too long".to_owned()));
            }
        }
    }

    /// As much of what has come as the pace allows, after the time that it takes.
    async fn sip(&mut self) -> Bytes {
        let Some(pace) = self.pace else { return std::mem::take(&mut self.held) };
        let most = pace.get().div_ceil(SIPS);
        sleep(Duration::from_secs(1) * most / pace.get()).await;
        self.held.split_to(self.held.len().min(most as usize))
    }

    fn take(&mut self) -> Result<Option<String>, CallError> {
        let unseen = self.buffer.get(self.looked..).unwrap_or_default();
        let Some(end) = unseen.iter().position(|byte| *byte == b'\n') else {
            self.looked = self.buffer.len();
            return Ok(None);
        };
        let rest = self.buffer.split_off(self.looked + end + 1);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.pop();
        self.looked = 0;
        if self.buffer.is_empty() {
            // What one burst needed is not kept by every quiet device.
            self.buffer = Vec::new();
        }
        String::from_utf8(line).map(Some).map_err(|error| CallError::Malformed(error.to_string()))
    }
}
