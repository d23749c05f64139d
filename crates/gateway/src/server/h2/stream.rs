//! One stream: call the application, send its response, and stop the moment the client has gone.

use std::{future::poll_fn, rc::Rc};

use actix_http::Response;
use actix_web::body::{BoxBody, MessageBody as _};
use bytes::Bytes;
use h2::{RecvStream, server::SendResponse};
use tokio::task::spawn_local;

use super::{
    body::{self, Ended},
    head::{self, Following},
};
use crate::server::{Connection, stats::StreamGuard, worker::Worker};

/// Serves one request. Dropping the handler or the body is how the application learns that the client has gone.
pub(super) async fn serve(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: Rc<Connection>,
    worker: Rc<Worker>,
) {
    let guard = StreamGuard::new(&worker.counters);
    let method = request.method().clone();
    let handling = actix_service::Service::call(&worker.app, head::request(request, &connection));
    let response: Response<BoxBody> = tokio::select! {
        biased;
        // First, so that streams opened and reset in bulk never reach the application.
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return guard.abandoned(),
        response = handling => response.unwrap_or_else(|failure| failure),
    };
    let (response, body) = response.into_parts();
    let (head, following) = head::response(response.head(), body.size(), &method, &worker.date);
    drop(response);
    let Ok(stream) = respond.send_response(head, following == Following::Nothing) else {
        return guard.abandoned();
    };
    let patience = worker.options.unacknowledged_timeout();
    let sending = async move {
        if body::send(stream, body, following, patience).await == Ended::Abandoned {
            guard.abandoned();
        }
    };
    if following == Following::Stream {
        // May last for days: in a task of its own, without what the application needed.
        spawn_local(sending);
    } else {
        sending.await;
    }
}
