//! The application under test, and what it reports.

use std::{
    convert::Infallible,
    future::{Future, pending},
    net::SocketAddr,
    num::NonZeroUsize,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    web,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::{sync::Semaphore, time::timeout};

use crate::server::{Connection, Server, ServerHandle, ServerOptions, ServerStats};

/// Longer than anything here takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fails the test rather than hang it.
pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it should have happened by now")
}

/// Waits for a condition on the server's counters.
pub(super) async fn seen(server: &ServerHandle, condition: impl Fn(ServerStats) -> bool) {
    soon(async {
        while !condition(server.stats()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What the application has seen.
#[derive(Clone)]
pub(super) struct Probe {
    /// A permit for each handler or body dropped.
    pub(super) dropped: Arc<Semaphore>,
    /// How often an endless body was asked for more.
    pub(super) polls: Arc<AtomicUsize>,
    /// A permit lets one gated body end.
    pub(super) gate: Arc<Semaphore>,
}

impl Probe {
    fn new() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Self { dropped: closed(), polls: Arc::default(), gate: closed() }
    }

    /// Waits until one more handler or body was dropped.
    pub(super) async fn drop_seen(&self) {
        soon(self.dropped.acquire()).await.expect("never closed").forget();
    }
}

struct DropReport(Arc<Semaphore>);

impl Drop for DropReport {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// Yields its first chunk, then whatever `next` says.
struct TestBody<F> {
    next: F,
    _report: DropReport,
}

impl<F> MessageBody for TestBody<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Unpin,
{
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        (self.next)(cx).map(|next| next.map(Ok))
    }
}

fn body(
    probe: &Probe,
    next: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Unpin + 'static,
) -> HttpResponse {
    HttpResponse::Ok().body(TestBody { next, _report: DropReport(Arc::clone(&probe.dropped)) })
}

/// One line at once, then silence.
async fn idle(probe: web::Data<Probe>) -> HttpResponse {
    let mut first = Some(Bytes::from_static(b"first\n"));
    body(&probe, move |_| first.take().map_or(Poll::Pending, |line| Poll::Ready(Some(line))))
}

/// One line at once, and the end when the gate opens.
async fn gated(probe: web::Data<Probe>) -> HttpResponse {
    let gate = Arc::clone(&probe.gate);
    let mut opened = Box::pin(async move { gate.acquire().await.expect("never closed").forget() });
    let mut first = Some(Bytes::from_static(b"first\n"));
    body(&probe, move |cx| match first.take() {
        Some(line) => Poll::Ready(Some(line)),
        None => opened.as_mut().poll(cx).map(|()| None),
    })
}

/// 16 KiB each time it is asked.
async fn endless(probe: web::Data<Probe>) -> HttpResponse {
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    let polls = Arc::clone(&probe.polls);
    body(&probe, move |_| {
        polls.fetch_add(1, SeqCst);
        Poll::Ready(Some(chunk.clone()))
    })
}

/// A long poll that never has an answer.
async fn unanswered(probe: web::Data<Probe>) -> HttpResponse {
    let _report = DropReport(Arc::clone(&probe.dropped));
    pending().await
}

async fn count(mut payload: web::Payload) -> HttpResponse {
    let mut total = 0;
    while let Some(chunk) = payload.next().await {
        match chunk {
            Ok(chunk) => total += chunk.len(),
            Err(error) => return HttpResponse::BadRequest().body(error.to_string()),
        }
    }
    HttpResponse::Ok().body(total.to_string())
}

async fn echo(payload: web::Payload) -> HttpResponse {
    HttpResponse::Ok().streaming(payload)
}

async fn bytes(count: web::Path<usize>) -> HttpResponse {
    HttpResponse::Ok().body(vec![b'y'; *count])
}

async fn who(request: HttpRequest) -> String {
    let connection = Connection::of(&request).expect("every request has one");
    assert_eq!(request.peer_addr(), Some(connection.peer()));
    format!("{} {:?} {}", connection.peer(), connection.protocol(), connection.is_secure())
}

async fn panicking() -> HttpResponse {
    panic!("a handler that panics")
}

/// Starts a server on ports of the system's choice, with one worker unless `change` says otherwise.
pub(super) async fn start(change: impl FnOnce(&mut ServerOptions)) -> (ServerHandle, Probe) {
    let mut options = ServerOptions {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        workers: NonZeroUsize::MIN,
        ..ServerOptions::default()
    };
    change(&mut options);
    let probe = Probe::new();
    let shared = probe.clone();
    let server = Server::start(options, move || {
        App::new()
            .app_data(web::Data::new(shared.clone()))
            .route("/hello", web::get().to(async || "hello"))
            .route("/hello", web::head().to(async || "hello"))
            .route("/empty", web::get().to(async || HttpResponse::NoContent().finish()))
            .route(
                "/hop",
                web::get().to(async || {
                    HttpResponse::Ok().force_close().insert_header(("keep-alive", "timeout=5")).finish()
                }),
            )
            .route("/who", web::get().to(who))
            .route("/idle", web::get().to(idle))
            .route("/gated", web::get().to(gated))
            .route("/endless", web::get().to(endless))
            .route("/unanswered", web::get().to(unanswered))
            .route("/bytes/{count}", web::get().to(bytes))
            .route("/count", web::post().to(count))
            .route("/echo", web::post().to(echo))
            .route("/panic", web::get().to(panicking))
    });
    (soon(server).await.expect("the server starts"), probe)
}
