//! Serving, draining, closed: how a stop reaches each connection of a worker.
//!
//! The server's phase crosses threads once per worker, through a `watch` channel. From there it is told to the
//! worker's connections without locks: each looks at a cell whenever it is polled, and has left its waker.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// Phases only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connections and streams are welcome.
    Serving,
    /// No new connection, no new stream; what is in flight finishes.
    Draining,
    /// Everything is dropped.
    Closed,
}

#[derive(Debug)]
struct Shared {
    phase: Cell<Phase>,
    next: Cell<u64>,
    /// One entry per connection, so bounded by the limit of connections.
    wakers: RefCell<HashMap<u64, Waker>>,
}

/// The phase of one worker.
#[derive(Debug, Clone)]
pub(super) struct WorkerPhase(Rc<Shared>);

impl WorkerPhase {
    pub(super) fn new() -> Self {
        Self(Rc::new(Shared {
            phase: Cell::new(Phase::Serving),
            next: Cell::new(0),
            wakers: RefCell::new(HashMap::new()),
        }))
    }

    /// Moves on and wakes every connection.
    pub(super) fn enter(&self, phase: Phase) {
        self.0.phase.set(phase);
        let wakers = std::mem::take(&mut *self.0.wakers.borrow_mut());
        wakers.into_values().for_each(Waker::wake);
    }

    pub(super) fn watch(&self) -> PhaseWatch {
        let id = self.0.next.get();
        self.0.next.set(id + 1);
        PhaseWatch { shared: Rc::clone(&self.0), id, seen: Phase::Serving, registered: false }
    }
}

/// One connection's view of the phase.
#[derive(Debug)]
pub(super) struct PhaseWatch {
    shared: Rc<Shared>,
    id: u64,
    seen: Phase,
    registered: bool,
}

impl PhaseWatch {
    /// Ready when the phase is another than at the last call.
    pub(super) fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        let phase = self.shared.phase.get();
        if phase != self.seen {
            self.seen = phase;
            // Moving on has taken the waker out.
            self.registered = false;
            return Poll::Ready(phase);
        }
        if !self.registered {
            // A watch belongs to one task, and a task keeps its waker for life: once is enough.
            self.registered = true;
            self.shared.wakers.borrow_mut().insert(self.id, cx.waker().clone());
        }
        Poll::Pending
    }

    /// Ready once the phase has reached `phase`.
    pub(super) async fn reached(&mut self, phase: Phase) {
        while self.seen < phase {
            poll_fn(|cx| self.poll_change(cx)).await;
        }
    }
}

impl Drop for PhaseWatch {
    fn drop(&mut self) {
        if self.registered {
            self.shared.wakers.borrow_mut().remove(&self.id);
        }
    }
}
