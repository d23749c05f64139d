//! Starting the server, and the handle that stops it.

use std::{fmt, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{Request, Response};
use actix_rt::{Arbiter, System};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{Error, body::MessageBody, dev::AppConfig};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::spawn_local,
    time::timeout,
};

use super::{
    ServerError, ServerOptions, ServerStats,
    accept::{Accepted, Acceptor, WORKER_QUEUE},
    app, listener,
    phase::Phase,
    stats::Counters,
    worker::Worker,
};

/// How long the workers may take to drop what is still open after the grace period.
const CLOSING: Duration = Duration::from_secs(1);

/// The HTTP server.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the addresses and serves the application `factory` builds, which is called once on each worker's
    /// thread, an arbiter of the caller's actix system. Ready when every worker's application is.
    ///
    /// Handlers, and the bodies of their responses, are dropped when their client goes away.
    pub async fn start<F, I, S, B>(options: ServerOptions, factory: F) -> Result<ServerHandle, ServerError>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request> + 'static,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        B: MessageBody + 'static,
    {
        options.check()?;
        if System::try_current().is_none() {
            return Err(ServerError::NoSystem);
        }
        let options = Arc::new(options);
        let mut sockets = Vec::new();
        for addr in &options.listen {
            sockets.push((listener::bind(*addr, &options)?, false));
        }
        for addr in &options.tls_listen {
            sockets.push((listener::bind(*addr, &options)?, true));
        }
        let mut running = Running::new(&sockets);
        let mut queues = Vec::new();
        for worker in 0..options.workers.get() {
            let (queue, accepted) = mpsc::channel(WORKER_QUEUE);
            let factory = factory.clone();
            running.start_worker(worker, &options, accepted, move || app::build(factory())).await?;
            queues.push(queue);
        }
        running.start_acceptor(sockets, queues, options.max_connections.get()).await?;
        Ok(ServerHandle(Arc::new(running)))
    }
}

/// A running server. When its last clone is dropped, the server ends at once.
#[derive(Debug, Clone)]
pub struct ServerHandle(pub(super) Arc<Running>);

impl ServerHandle {
    /// The addresses that are listened on, in the order of the options, cleartext first; port 0 has become a real
    /// one.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.0.addrs
    }

    /// The counters now.
    pub fn stats(&self) -> ServerStats {
        self.0.counters.snapshot()
    }

    /// Stops: no more connections, GOAWAY on HTTP/2, idle HTTP/1.1 connections close, and what is in flight may
    /// finish within `grace`. Then the rest is dropped. Returns how many connections that were.
    pub async fn drain(&self, grace: Duration) -> usize {
        let running = &self.0;
        running.stop_accepting.send_replace(true);
        running.enter(Phase::Draining);
        let finishing = async {
            // First, so that no connection comes after the last one has gone.
            running.stop_accepting.closed().await;
            running.counters.no_connection().await;
        };
        let finished = timeout(grace, finishing).await.is_ok();
        let cut = if finished { 0 } else { running.counters.snapshot().connections_open };
        running.enter(Phase::Closed);
        if timeout(CLOSING, running.counters.no_connection()).await.is_err() {
            tracing::warn!("a worker is too busy to close its connections");
        }
        cut
    }
}

/// The threads of a server, and what tells them to stop.
#[derive(Debug)]
pub(super) struct Running {
    addrs: Vec<SocketAddr>,
    pub(super) counters: Arc<Counters>,
    stop_accepting: watch::Sender<bool>,
    phase: watch::Sender<Phase>,
    arbiters: Vec<Arbiter>,
}

impl Running {
    fn new(sockets: &[(std::net::TcpListener, bool)]) -> Self {
        Self {
            addrs: sockets.iter().filter_map(|(socket, _)| socket.local_addr().ok()).collect(),
            counters: Arc::default(),
            stop_accepting: watch::Sender::new(false),
            phase: watch::Sender::new(Phase::Serving),
            arbiters: Vec::new(),
        }
    }

    /// Phases only go forward: draining twice is draining once.
    fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let forward = *now < phase;
            *now = phase.max(*now);
            forward
        });
    }

    async fn start_worker<A, Fut>(
        &mut self,
        worker: usize,
        options: &Arc<ServerOptions>,
        accepted: mpsc::Receiver<Accepted>,
        build: A,
    ) -> Result<(), ServerError>
    where
        A: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<app::AppService, String>> + 'static,
    {
        let (ready, started) = oneshot::channel();
        let (options, counters) = (Arc::clone(options), Arc::clone(&self.counters));
        let phase = self.phase.subscribe();
        let arbiter = Arbiter::try_new().map_err(ServerError::Thread)?;
        arbiter.spawn_fn(move || {
            spawn_local(async move {
                let built = match build().await {
                    Ok(app) => Worker::new(app, options, counters).await,
                    Err(reason) => Err(reason),
                };
                match built {
                    Ok(worker) => {
                        // Nobody waits for it only if the start was given up, and then the phase ends it.
                        let _ = ready.send(Ok(()));
                        Rc::new(worker).run(accepted, phase).await;
                    }
                    Err(reason) => drop(ready.send(Err(reason))),
                }
            });
        });
        self.arbiters.push(arbiter);
        started
            .await
            .unwrap_or_else(|_| Err("it panicked".to_owned()))
            .map_err(|reason| ServerError::App { worker, reason })
    }

    async fn start_acceptor(
        &mut self,
        sockets: Vec<(std::net::TcpListener, bool)>,
        queues: Vec<mpsc::Sender<Accepted>>,
        max_connections: usize,
    ) -> Result<(), ServerError> {
        let (ready, started) = oneshot::channel();
        let (counters, stop) = (Arc::clone(&self.counters), self.stop_accepting.subscribe());
        let arbiter = Arbiter::try_new().map_err(ServerError::Thread)?;
        arbiter.spawn_fn(move || {
            let acceptor = Rc::new(Acceptor::new(queues, counters, max_connections, stop));
            let registered = sockets.into_iter().try_for_each(|(socket, secure)| {
                let listener = TcpListener::from_std(socket)?;
                spawn_local(Rc::clone(&acceptor).run(listener, secure));
                Ok(())
            });
            drop(ready.send(registered));
        });
        self.arbiters.push(arbiter);
        started
            .await
            .unwrap_or_else(|_| Err(std::io::Error::other("the accepting thread ended")))
            .map_err(ServerError::Thread)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}
