//! A worker: one thread with its own `App`, serving the connections it is handed.

use std::{rc::Rc, sync::Arc};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{spawn_local, yield_now},
};

use super::{
    ServerOptions,
    accept::Accepted,
    app::AppService,
    h1::{self, Http1Service},
    h2::Date,
    opening,
    phase::{Phase, WorkerPhase},
    stats::Counters,
};

/// Connections begun between two turns of everything else on the worker.
const BURST: usize = 16;

/// TLS handshakes whose costly first step may run between two turns of everything else on the worker.
const TLS_TURNS: usize = 8;

/// What the connections of one worker share.
pub(super) struct Worker {
    pub(super) options: Arc<ServerOptions>,
    pub(super) counters: Arc<Counters>,
    pub(super) phase: WorkerPhase,
    pub(super) app: AppService,
    pub(super) http1: Http1Service,
    pub(super) date: Date,
    pub(super) tls_turns: Semaphore,
}

impl Worker {
    /// Builds the HTTP/1.1 side around the application.
    pub(super) async fn new(
        app: AppService,
        options: Arc<ServerOptions>,
        counters: Arc<Counters>,
    ) -> Result<Self, String> {
        let phase = WorkerPhase::new();
        let http1 = h1::build(Rc::clone(&app), &options, phase.clone()).await?;
        let tls_turns = Semaphore::new(TLS_TURNS);
        Ok(Self { options, counters, phase, app, http1, date: Date::default(), tls_turns })
    }

    /// Opens connections until the server is closed. The connections run on their own.
    pub(super) async fn run(
        self: Rc<Self>,
        mut accepted: mpsc::Receiver<Accepted>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let mut burst = 0;
        loop {
            tokio::select! {
                biased;
                changed = phase.changed() => {
                    // Without a handle there is nobody who could ask for more.
                    let now = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Closed };
                    self.phase.enter(now);
                    if now == Phase::Closed {
                        return;
                    }
                }
                // Once the acceptor has ended, only the phase is waited for.
                Some(next) = accepted.recv() => {
                    spawn_local(opening::open(next, Rc::clone(&self)));
                }
            }
            burst += 1;
            if burst % BURST == 0 {
                yield_now().await;
            }
        }
    }
}
