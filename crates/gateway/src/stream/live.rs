//! Live frames: appended to the outbox of a stream if they are what comes next, and then written in turns. What is not in the log
//! goes beside them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use denrei_actors::session::Delivery;

use super::device::StreamState;
use super::outbox::Outbox;

/// Connections that are woken before others have their turn and what has come meanwhile is taken: a frame for thousands of streams
/// does not hold others up for all of its writes, and what follows it goes with it to those that were not woken yet.
const TURN: usize = 128;

/// Outboxes whose connections are still to be woken, each of them once.
#[derive(Default)]
pub(super) struct Unwoken(VecDeque<Rc<RefCell<Outbox>>>);

impl Unwoken {
    pub(super) fn add(&mut self, outbox: Rc<RefCell<Outbox>>) {
        self.0.push_back(outbox);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wakes as many as may be woken before others have their turn.
    pub(super) fn turn(&mut self) {
        for outbox in self.0.drain(..self.0.len().min(TURN)) {
            outbox.borrow_mut().wake();
        }
    }
}

/// What became of a live frame.
pub(super) enum Appended {
    /// The connection is to be woken.
    Unwoken(Rc<RefCell<Outbox>>),
    /// The log has to be read instead, and nobody has been told so.
    Behind,
    /// Nothing is left to do.
    Nothing,
}

/// Appends a live frame if it is what comes next. `now`: monotonic, milliseconds.
pub(super) fn append(state: &mut StreamState, delivery: &Delivery, now: u64) -> Appended {
    if state.behind || state.reading {
        // Whoever reads the log looks again.
        state.behind = true;
        return Appended::Nothing;
    }
    let Some(cursor) = state.cursor.as_mut() else { return Appended::Nothing };
    if cursor.log_id == delivery.log_id && delivery.last <= cursor.revision {
        return Appended::Nothing;
    }
    let mut outbox = state.outbox.borrow_mut();
    let next = cursor.log_id == delivery.log_id && delivery.first == cursor.revision.next();
    if !next || !outbox.has_room(delivery.frame.len()) {
        drop(outbox);
        state.behind = true;
        return Appended::Behind;
    }
    (cursor.revision, cursor.tag) = (delivery.last, delivery.last_tag);
    let unwoken = outbox.push_unwoken(delivery.frame.clone());
    state.written = now;
    if unwoken { Appended::Unwoken(Rc::clone(&state.outbox)) } else { Appended::Nothing }
}

/// Writes a frame that is not in the log, if there is room and the stream has what comes before: its sign-on, which is the first
/// frame of all, and the log that is being read.
pub(super) fn append_aside(state: &StreamState, frame: Bytes) {
    let mut outbox = state.outbox.borrow_mut();
    if state.cursor.is_some() && !state.reading && outbox.has_room(frame.len()) {
        outbox.push(frame);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use denrei_model::id::{AccountId, DeviceId, LogId};
    use denrei_model::position::Revision;
    use denrei_model::tag::Tag;
    use denrei_model::wire::Position;

    use super::*;

    const ROOM: usize = 12;

    /// A stream that has been given its log up to here, and waits for what comes.
    fn stream(revision: u64) -> StreamState {
        let cursor = Position {
            log_id: LogId::from_bytes([1; 16]),
            revision: Revision::new(revision),
            tag: Tag::default(),
        };
        let state = StreamState {
            account: AccountId::from_bytes([1; 16]),
            device: DeviceId::from_bytes([1; 16]),
            cursor: Some(cursor),
            reading: false,
            behind: false,
            opened: 0,
            written: 0,
            outbox: Rc::new(RefCell::new(Outbox::new(ROOM))),
        };
        assert!(written(&state).is_pending());
        state
    }

    fn delivery(log: u8, revisions: std::ops::RangeInclusive<u64>) -> Delivery {
        let (first, last) = (Revision::new(*revisions.start()), Revision::new(*revisions.end()));
        let tag = Tag::default().chain(&last.get().to_be_bytes());
        let frame = Bytes::from(format!("{log}:{first}-{last}\n"));
        Delivery {
            streams: Vec::new(),
            log_id: LogId::from_bytes([log; 16]),
            first,
            last,
            last_tag: tag,
            frame,
        }
    }

    fn written(state: &StreamState) -> Poll<Option<Bytes>> {
        state.outbox.borrow_mut().poll_next(&Context::from_waker(Waker::noop()))
    }

    fn at(state: &StreamState) -> u64 {
        state.cursor.unwrap().revision.get()
    }

    #[test]
    fn what_comes_next_is_appended_and_the_cursor_stands_at_its_end() {
        let mut state = stream(4);
        let delivery = delivery(1, 5..=6);
        assert!(matches!(append(&mut state, &delivery, 77), Appended::Unwoken(_)));
        let cursor = state.cursor.unwrap();
        assert_eq!((cursor.revision, cursor.tag, state.written), (delivery.last, delivery.last_tag, 77));
        assert_eq!(written(&state), Poll::Ready(Some(delivery.frame)));
    }

    #[test]
    fn what_was_given_already_is_passed_over() {
        let mut state = stream(6);
        assert!(matches!(append(&mut state, &delivery(1, 5..=6), 1), Appended::Nothing));
        assert!(!state.behind && at(&state) == 6 && written(&state).is_pending());
    }

    #[test]
    fn a_gap_an_overlap_and_another_log_are_read_from_the_log_instead_and_told_once() {
        for wrong in [delivery(1, 6..=6), delivery(1, 4..=5), delivery(2, 5..=5)] {
            let mut state = stream(4);
            assert!(matches!(append(&mut state, &wrong, 1), Appended::Behind), "{wrong:?}");
            assert!(matches!(append(&mut state, &delivery(1, 5..=5), 1), Appended::Nothing), "{wrong:?}");
            assert!(state.behind && at(&state) == 4 && written(&state).is_pending(), "{wrong:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_log() {
        let mut state = stream(4);
        for revision in 5..=7 {
            append(&mut state, &delivery(1, revision..=revision), 1);
        }
        assert!(state.behind && at(&state) == 6, "{ROOM} bytes hold two frames");
    }

    #[test]
    fn nothing_is_appended_while_the_log_is_read_and_the_reader_looks_again() {
        let mut state = stream(4);
        state.reading = true;
        assert!(matches!(append(&mut state, &delivery(1, 5..=5), 1), Appended::Nothing));
        assert!(state.behind && at(&state) == 4 && written(&state).is_pending());
    }

    #[test]
    fn what_is_not_in_the_log_is_written_neither_before_the_sign_on_nor_among_what_is_read() {
        let frame = Bytes::from_static(b"beat\n");
        let mut state = stream(4);
        state.reading = true;
        append_aside(&state, frame.clone());
        assert!(written(&state).is_pending(), "the log is being read");
        let cursor = state.cursor.take();
        state.reading = false;
        append_aside(&state, frame.clone());
        assert!(written(&state).is_pending(), "it waits for its shard, and has not signed on");
        state.cursor = cursor;
        append_aside(&state, frame.clone());
        assert_eq!(written(&state), Poll::Ready(Some(frame)));
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn connections_are_woken_in_turns_each_of_them_once() {
        let (mut unwoken, woken) = (Unwoken::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut streams: Vec<StreamState> = (0..TURN * 2 + 1).map(|_| stream(4)).collect();
        for state in &mut streams {
            assert!(state.outbox.borrow_mut().poll_next(&Context::from_waker(&waker)).is_pending());
            for revision in [5, 6] {
                if let Appended::Unwoken(outbox) = append(state, &delivery(1, revision..=revision), 1) {
                    unwoken.add(outbox);
                }
            }
        }
        let mut turns = Vec::new();
        while !unwoken.is_empty() {
            unwoken.turn();
            turns.push(woken.0.swap(0, Ordering::SeqCst));
        }
        assert_eq!(turns, [TURN, TURN, 1]);
        let both = Bytes::from_static(b"1:5-5\n1:6-6\n");
        assert!(streams.iter().all(|state| written(state) == Poll::Ready(Some(both.clone()))));
    }
}
