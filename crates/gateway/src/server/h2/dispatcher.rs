//! The dispatcher of one HTTP/2 connection.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::task::spawn_local;

use super::{Session, heartbeat::Heartbeat, stream};
use crate::server::{
    phase::{Phase, PhaseWatch},
    stats::ConnectionGuard,
    worker::Worker,
};

/// Drives a connection's frames, accepts its streams, sends its PINGs, and says GOAWAY when the server drains.
///
/// A future by hand rather than an `async fn`: it is polled once per frame and lives as long as the connection, so
/// it holds nothing but what it needs. Dropping it tells every stream that the client has gone.
pub(in crate::server) struct Dispatcher {
    session: Box<Session>,
    heartbeat: Option<Heartbeat>,
    phase: PhaseWatch,
    worker: Rc<Worker>,
    _guard: ConnectionGuard,
}

impl Dispatcher {
    pub(in crate::server) fn new(
        mut session: Box<Session>,
        worker: Rc<Worker>,
        guard: ConnectionGuard,
    ) -> Self {
        let period = worker.options.ping_interval();
        let heartbeat = session.frames.ping_pong().map(|ping_pong| Heartbeat::new(ping_pong, period));
        Self { session, heartbeat, phase: worker.phase.watch(), worker, _guard: guard }
    }

    /// Ready when the connection has ended.
    fn poll_streams(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.session.frames.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    let connection = Rc::clone(&self.session.connection);
                    spawn_local(stream::serve(request, respond, connection, Rc::clone(&self.worker)));
                }
                Poll::Ready(Some(Err(error))) => {
                    let peer = self.session.connection.peer;
                    tracing::debug!(%peer, %error, "HTTP/2 connection ended early");
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Future for Dispatcher {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        while let Poll::Ready(phase) = this.phase.poll_change(cx) {
            match phase {
                Phase::Serving => {}
                Phase::Draining => this.session.frames.graceful_shutdown(),
                Phase::Closed => return Poll::Ready(()),
            }
        }
        if this.poll_streams(cx).is_ready() {
            return Poll::Ready(());
        }
        // After the frames, so that a PONG that has arrived counts; a PING sent here wakes this task again.
        if let Some(heartbeat) = &mut this.heartbeat
            && heartbeat.poll(cx).is_ready()
        {
            this.worker.counters.ping_timed_out();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
