//! Accepting: from the listening sockets to the workers, in turn.

use std::{cell::Cell, io, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    Connection, ConnectionId, Protocol,
    stats::{ConnectionGuard, Counters},
};

/// Connections that wait for one worker to look at them. Beyond it they wait in the kernel's backlog.
pub(super) const WORKER_QUEUE: usize = 1024;

/// How long to wait after the listener failed, which is mostly for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection on its way to a worker.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: std::net::TcpStream,
    pub(super) connection: Connection,
    pub(super) guard: ConnectionGuard,
}

/// What the accepting tasks of one server share; they live on one thread.
#[derive(Debug)]
pub(super) struct Acceptor {
    workers: Vec<mpsc::Sender<Accepted>>,
    counters: Arc<Counters>,
    max_connections: usize,
    /// True when no more connections are wanted. Its sender waits for the last receiver to go, which is this one,
    /// dropped after the sockets.
    stop: watch::Receiver<bool>,
    next_worker: Cell<usize>,
    next_id: Cell<ConnectionId>,
}

impl Acceptor {
    pub(super) fn new(
        workers: Vec<mpsc::Sender<Accepted>>,
        counters: Arc<Counters>,
        max_connections: usize,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let next_id = Cell::new(ConnectionId::FIRST);
        Self { workers, counters, max_connections, stop, next_worker: Cell::new(0), next_id }
    }

    /// Accepts on one socket until the server drains, then closes the socket.
    pub(super) async fn run(self: Rc<Self>, listener: TcpListener, secure: bool) {
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(guard) = self.counters.admit(self.max_connections) else { continue };
                    let id = self.next_id.get();
                    self.next_id.set(id.next());
                    let connection = Connection { id, peer, protocol: Protocol::Http1, secure };
                    match stream.into_std() {
                        Ok(stream) => self.hand_over(Accepted { stream, connection, guard }).await,
                        Err(_) => self.counters.accept_failed(),
                    }
                }
                // The client was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.counters.accept_failed();
                    tracing::warn!(%error, "cannot accept connections");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// To the next worker that has room; if none has, to the next one as soon as it has.
    async fn hand_over(&self, mut accepted: Accepted) {
        let turn = self.next_worker.get();
        self.next_worker.set(turn.wrapping_add(1));
        let first = turn % self.workers.len().max(1);
        for worker in self.workers.iter().cycle().skip(first).take(self.workers.len()) {
            match worker.try_send(accepted) {
                Ok(()) => return,
                Err(error) => accepted = error.into_inner(),
            }
        }
        if let Some(worker) = self.workers.get(first) {
            // An error means that the worker has ended, and the server with it.
            let _ = worker.send(accepted).await;
        }
    }
}
