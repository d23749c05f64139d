//! The first moments of a connection: from a bare socket to a dispatcher, within the handshake timeout.

use std::{io, pin::pin, rc::Rc, sync::Arc};

use futures_util::poll;
use tokio::{
    net::TcpStream,
    task::{spawn_local, yield_now},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Connection, Protocol, accept::Accepted, h1, h2, phase::Phase, wire::Wire, worker::Worker};

enum Opened {
    Http1(Wire),
    Http2(Box<h2::Session>),
}

/// Finds out what the connection speaks and hands it to that protocol's dispatcher, in a task of its own so that
/// what the handshake needed is freed.
pub(super) async fn open(accepted: Accepted, worker: Rc<Worker>) {
    let Accepted { stream, connection, guard } = accepted;
    let mut phase = worker.phase.watch();
    let opened = tokio::select! {
        biased;
        opened = timeout(worker.options.handshake_timeout(), handshake(stream, connection, &worker)) => opened,
        // What has not spoken by then, a browser's connection in advance for one, must not hold up a stop.
        () = phase.reached(Phase::Draining) => return,
    };
    match opened {
        Ok(Ok(Opened::Http1(wire))) => {
            spawn_local(h1::serve(wire, Rc::clone(&worker), guard));
        }
        Ok(Ok(Opened::Http2(session))) => {
            spawn_local(h2::Dispatcher::new(session, Rc::clone(&worker), guard));
        }
        Ok(Err(error)) => {
            worker.counters.handshake_failed();
            tracing::debug!(peer = %connection.peer, %error, "connection never became HTTP");
        }
        Err(_) => {
            worker.counters.handshake_timed_out();
            tracing::debug!(peer = %connection.peer, "connection took too long to open");
        }
    }
}

async fn handshake(
    stream: std::net::TcpStream,
    connection: Connection,
    worker: &Rc<Worker>,
) -> io::Result<Opened> {
    let stream = TcpStream::from_std(stream)?;
    let wire = match (connection.secure, &worker.options.tls) {
        (true, Some(tls)) => {
            let acceptor = TlsAcceptor::from(Arc::clone(tls));
            secure(stream, connection, &acceptor, worker).await?
        }
        _ => Wire::detect(stream, connection).await?,
    };
    match wire.connection.protocol {
        Protocol::Http1 => Ok(Opened::Http1(wire)),
        Protocol::Http2 => {
            let session = h2::Session::handshake(wire, &worker.options).await.map_err(io::Error::other)?;
            Ok(Opened::Http2(Box::new(session)))
        }
    }
}

/// A TLS handshake's first step costs a third of a millisecond of CPU. In a storm of connects only a few of those
/// run between two turns of everything else on this worker; a client that is silent takes no turn.
async fn secure(
    stream: TcpStream,
    connection: Connection,
    acceptor: &TlsAcceptor,
    worker: &Worker,
) -> io::Result<Wire> {
    stream.readable().await?;
    let turn = worker.tls_turns.acquire().await.map_err(io::Error::other)?;
    let mut accepting = pin!(acceptor.accept(stream));
    let first = poll!(accepting.as_mut());
    yield_now().await;
    drop(turn);
    let stream = match first {
        std::task::Poll::Ready(done) => done?,
        std::task::Poll::Pending => accepting.await?,
    };
    Ok(Wire::secured(stream, connection))
}
