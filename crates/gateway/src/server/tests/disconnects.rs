//! What a client holds is let go the moment the client goes.

use h2::Reason;
use http::Method;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{
    app::{seen, soon, start},
    client::Client,
    raw::{ACK, Frame, GOAWAY, PING, RST_STREAM, Raw},
};

#[actix_rt::test]
async fn a_reset_of_an_idle_stream_drops_its_body_and_leaves_the_others() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (response, mut sending) = client.send(Method::GET, "/idle", true).await.unwrap();
    let _body = soon(response).await.unwrap();
    let _other = client.open("/idle").await;
    assert_eq!(server.stats().streams_open, 2);

    sending.send_reset(Reason::CANCEL);
    probe.drop_seen().await;

    let hello = client.get("/hello").await.unwrap();
    assert_eq!(hello.status(), 200);
    assert_eq!(probe.dropped.available_permits(), 0, "the other stream is alive");
    assert_eq!(server.stats().streams_abandoned, 1);
}

#[actix_rt::test]
async fn a_reset_cancels_a_handler_that_has_not_answered() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (_response, mut sending) = client.send(Method::GET, "/unanswered", true).await.unwrap();
    client.get("/hello").await.unwrap();
    seen(&server, |stats| stats.streams_open == 1).await;

    sending.send_reset(Reason::CANCEL);
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn the_end_of_an_http2_connection_drops_bodies_and_handlers() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let _body = client.open("/idle").await;
    let _waiting = client.send(Method::GET, "/unanswered", false).await.unwrap();
    client.get("/hello").await.unwrap();

    client.connection.abort();
    probe.drop_seen().await;
    probe.drop_seen().await;
    soon(server.0.counters.no_connection()).await;
}

#[actix_rt::test]
async fn a_tcp_reset_drops_the_body() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    raw.send(&[Frame::get(1, "/idle")]).await;
    raw.frame_like(|frame| frame.stream == 1).await;

    socket2::SockRef::from(&raw.0).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(raw);
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn goaway_with_an_error_drops_the_body() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    raw.send(&[Frame::get(1, "/idle")]).await;
    raw.frame_like(|frame| frame.stream == 1).await;

    let internal_error = [0, 0, 0, 0, 0, 0, 0, 2];
    raw.send(&[Frame::new(GOAWAY, 0, 0, &internal_error)]).await;
    raw.0.shutdown().await.unwrap();
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn a_peer_without_pong_is_closed_after_one_more_period() {
    let (server, probe) = start(|options| options.ping_interval_ms = 100.try_into().unwrap()).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    raw.send(&[Frame::get(1, "/idle")]).await;

    // Answers the first PING, and no further one.
    let ping = raw.frame_like(|frame| frame.kind == PING).await;
    raw.send(&[Frame::new(PING, ACK, 0, &ping.payload)]).await;
    raw.frame_like(|frame| frame.kind == PING).await;
    probe.drop_seen().await;
    assert_eq!(server.stats().ping_timeouts, 1);
}

#[actix_rt::test]
async fn the_end_of_an_http1_client_drops_the_body() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    raw.write(b"GET /idle HTTP/1.1\r\nhost: h\r\n\r\n").await;
    raw.until("first").await;

    // Half-closed only: the client could still read, and does not get to.
    raw.0.shutdown().await.unwrap();
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn a_reset_while_the_window_is_closed_drops_the_body() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    raw.send(&[Frame::get(1, "/endless")]).await;
    let mut received = 0;
    while received < 65_535 {
        let frame = raw.frame_like(|frame| frame.stream == 1 && frame.kind == 0).await;
        received += frame.payload.len();
    }
    raw.send(&[Frame::new(RST_STREAM, 0, 1, &[0, 0, 0, 8])]).await;
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn a_connect_that_closes_at_once_leaves_nothing() {
    let (server, _) = start(|_| {}).await;
    for _ in 0..50 {
        drop(TcpStream::connect(server.local_addrs()[0]).await.unwrap());
    }
    let mut client = Client::connect(server.local_addrs()[0]).await;
    client.get("/hello").await.unwrap();
    client.connection.abort();
    soon(server.0.counters.no_connection()).await;
    assert_eq!(server.stats().connections_accepted, 51);
}
