//! An HTTP/2 client on the `h2` crate.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use h2::{RecvStream, SendStream, client::SendRequest};
use http::{Method, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};

use super::app::soon;

pub(super) struct Client {
    requests: SendRequest<Bytes>,
    /// Ends with the connection; aborting it closes the socket.
    pub(super) connection: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).await.expect("connects");
        // As every HTTP client does; without it an upload waits for the server's delayed acknowledgements.
        socket.set_nodelay(true).expect("sets it");
        Self::over(socket).await
    }

    pub(super) async fn over(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::built(h2::client::Builder::new(), io).await
    }

    pub(super) async fn built(
        builder: h2::client::Builder,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        let (requests, connection) = soon(builder.handshake(io)).await.expect("handshake");
        Self { requests, connection: tokio::spawn(connection) }
    }

    /// Sends a request head; the body is the caller's if `open`.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        open: bool,
    ) -> Result<(h2::client::ResponseFuture, SendStream<Bytes>), h2::Error> {
        let request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        let mut ready = soon(self.requests.clone().ready()).await?;
        ready.send_request(request.body(()).expect("a request"), !open)
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Response<RecvStream>, h2::Error> {
        let (response, _) = self.send(Method::GET, path, false).await?;
        soon(response).await
    }

    /// Opens a stream and waits for the first line of its body.
    pub(super) async fn open(&mut self, path: &str) -> RecvStream {
        let mut body = self.get(path).await.expect("a response").into_body();
        assert_eq!(soon(body.data()).await.expect("a chunk").expect("no error"), "first\n");
        body
    }
}

/// Reads a body to its end.
pub(super) async fn read(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut all = BytesMut::new();
    while let Some(chunk) = soon(body.data()).await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}
