//! The outbox of a stream: frames on their way to one device, bounded in bytes.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

/// Frames joined into one write are at most this large, unless a single frame is larger.
const COALESCED: usize = 16 * 1024;

/// Frames that wait to be written.
pub(super) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
    /// Nothing follows what waits.
    ended: bool,
    /// The connection's body, when it waits for frames.
    reader: Option<Waker>,
    /// Somebody has promised to wake it.
    promised: bool,
    /// Whoever waits for room.
    writer: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            limit,
            ended: false,
            reader: None,
            promised: false,
            writer: None,
        }
    }

    /// Whether a frame of this size may be added now. An empty outbox takes a frame of any size.
    pub(super) fn has_room(&self, size: usize) -> bool {
        !self.ended && (self.frames.is_empty() || self.bytes + size <= self.limit)
    }

    /// Adds a frame, and has it written.
    pub(super) fn push(&mut self, frame: Bytes) {
        self.add(frame);
        self.wake();
    }

    /// Adds a frame. True: the caller is to [`wake`](Self::wake) the connection, now or a little later.
    pub(super) fn push_unwoken(&mut self, frame: Bytes) -> bool {
        self.add(frame);
        self.reader.is_some() && !std::mem::replace(&mut self.promised, true)
    }

    fn add(&mut self, frame: Bytes) {
        if !self.ended {
            self.bytes += frame.len();
            self.frames.push_back(frame);
        }
    }

    /// Has what waits be written.
    pub(super) fn wake(&mut self) {
        self.promised = false;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Nothing more will come.
    pub(super) fn end(&mut self) {
        self.ended = true;
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is to be written next: one frame, or several joined. `None` when the stream has ended.
    pub(super) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let Some(first) = self.frames.pop_front() else {
            if self.ended {
                return Poll::Ready(None);
            }
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let joined = self.join(first);
        self.bytes -= joined.len();
        if self.frames.is_empty() {
            // A burst's buffer is not kept by a stream that is quiet again.
            self.frames.shrink_to(4);
        }
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        Poll::Ready(Some(joined))
    }

    fn join(&mut self, first: Bytes) -> Bytes {
        let fits = |size: usize, next: &Bytes| size + next.len() <= COALESCED;
        if self.frames.front().is_none_or(|next| !fits(first.len(), next)) {
            return first;
        }
        let mut joined = BytesMut::with_capacity(COALESCED.min(self.bytes));
        joined.extend_from_slice(&first);
        while self.frames.front().is_some_and(|next| fits(joined.len(), next)) {
            joined.extend(self.frames.pop_front());
        }
        joined.freeze()
    }

    /// Ready when the outbox is empty, or nothing more will be written.
    pub(super) fn poll_drained(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.frames.is_empty() || self.ended {
            return Poll::Ready(());
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(outbox: &mut Outbox) -> Poll<Option<Bytes>> {
        outbox.poll_next(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn frames_that_wait_together_are_written_together() {
        let mut outbox = Outbox::new(COALESCED);
        assert_eq!(next(&mut outbox), Poll::Pending);
        outbox.push(Bytes::from_static(b"one\n"));
        outbox.push(Bytes::from_static(b"two\n"));
        assert_eq!(next(&mut outbox), Poll::Ready(Some(Bytes::from_static(b"one\ntwo\n"))));
        assert_eq!(next(&mut outbox), Poll::Pending);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn one_promise_to_wake_the_connection_is_enough() {
        let mut outbox = Outbox::new(COALESCED);
        assert!(!outbox.push_unwoken(Bytes::from_static(b"one\n")), "nobody waits");
        assert!(next(&mut outbox).is_ready() && next(&mut outbox).is_pending());
        assert!(outbox.push_unwoken(Bytes::from_static(b"two\n")));
        assert!(!outbox.push_unwoken(Bytes::from_static(b"three\n")), "it is promised already");
        outbox.wake();
        assert_eq!(next(&mut outbox), Poll::Ready(Some(Bytes::from_static(b"two\nthree\n"))));
        assert!(next(&mut outbox).is_pending());
        assert!(outbox.push_unwoken(Bytes::from_static(b"four\n")), "the promise was kept");
    }

    #[test]
    fn the_bound_holds_but_a_single_frame_always_fits() {
        let mut outbox = Outbox::new(10);
        assert!(outbox.has_room(100));
        outbox.push(Bytes::from(vec![b'x'; 8]));
        assert!(outbox.has_room(2));
        assert!(!outbox.has_room(3));
    }

    #[test]
    fn what_waits_is_written_before_the_end() {
        let mut outbox = Outbox::new(10);
        outbox.push(Bytes::from_static(b"last\n"));
        outbox.end();
        outbox.push(Bytes::from_static(b"too late\n"));
        assert_eq!(next(&mut outbox), Poll::Ready(Some(Bytes::from_static(b"last\n"))));
        assert_eq!(next(&mut outbox), Poll::Ready(None));
    }
}
