//! HTTP/1.1 by actix-http's own dispatcher.

use std::{future::ready, rc::Rc, time::Duration};

use actix_http::{
    HttpMessage as _, HttpService, KeepAlive, Request, Response, StatusCode, body::BoxBody,
    error::DispatchError,
};
use actix_service::{Service as _, ServiceFactory as _, boxed, fn_factory, fn_service};
use futures_util::future::Either;

use super::{
    ServerOptions,
    app::AppService,
    phase::{Phase, WorkerPhase},
    stats::ConnectionGuard,
    wire::Wire,
    worker::Worker,
};

/// How long the rest of a refused request body is read before the connection closes.
const LINGER: Duration = Duration::from_secs(2);

/// What a header takes of the list beside its bytes, as HTTP/2 counts (RFC 9113, section 6.5.2).
const HEADER_OVERHEAD: usize = 32;

/// The HTTP/1.1 side of one worker.
pub(super) type Http1Service = boxed::BoxService<(Wire, Option<std::net::SocketAddr>), (), DispatchError>;

/// Builds the service that serves one connection per call.
pub(super) async fn build(
    app: AppService,
    options: &ServerOptions,
    phase: WorkerPhase,
) -> Result<Http1Service, String> {
    let app = within(options.max_header_list.get() as usize, app);
    let app = fn_factory::<_, (), _, Request, _, ()>(move || ready(Ok(Rc::clone(&app))));
    let service = HttpService::<Wire, _, BoxBody>::build()
        .keep_alive(KeepAlive::Timeout(options.http1_idle()))
        .client_request_timeout(options.handshake_timeout())
        .client_disconnect_timeout(LINGER)
        // A client that has closed its side will not read a device stream either: its end is noticed at once.
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let mut phase = phase.watch();
            async move { phase.reached(Phase::Draining).await }
        })
        .on_connect_ext(|wire: &Wire, data| {
            data.insert(Rc::clone(&wire.connection));
        })
        .h1::<_, BoxBody>(app)
        .new_service(())
        .await
        .map_err(|()| "the HTTP/1.1 service did not start".to_owned())?;
    Ok(boxed::service(service))
}

/// Refuses requests with a larger list of headers, as the HTTP/2 side does: actix-http has no such bound.
fn within(limit: usize, app: AppService) -> AppService {
    boxed::rc_service(fn_service(move |request: Request| {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        let list: usize = headers.chain([target]).map(|size| size + HEADER_OVERHEAD).sum();
        if list > limit {
            return Either::Left(ready(Ok(Response::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))));
        }
        Either::Right(app.call(request))
    }))
}

/// Serves one connection to its end.
pub(super) async fn serve(wire: Wire, worker: Rc<Worker>, guard: ConnectionGuard) {
    let peer = wire.connection.peer;
    let mut phase = worker.phase.watch();
    let dispatch = worker.http1.call((wire, Some(peer)));
    tokio::select! {
        biased;
        () = phase.reached(Phase::Closed) => {}
        ended = dispatch => if let Err(error) = ended {
            if matches!(error, DispatchError::Parse(_)) {
                worker.counters.handshake_failed();
            }
            tracing::debug!(%peer, %error, "HTTP/1.1 connection ended early");
        },
    }
    drop(guard);
}
