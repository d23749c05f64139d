//! Stopping without harm.

use std::time::Duration;

use super::{
    app::{seen, soon, start},
    client::{Client, read},
    raw::{ACK, Frame, GOAWAY, HEADERS, PING, Raw},
};

const LONG: Duration = Duration::from_secs(30);

#[actix_rt::test]
async fn a_stream_in_flight_finishes_and_new_ones_are_refused() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let body = client.open("/gated").await;
    let draining = actix_rt::spawn({
        let server = server.clone();
        async move { server.drain(LONG).await }
    });

    // GOAWAY has arrived when the client will not open streams any more.
    soon(async {
        while client.get("/hello").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!draining.is_finished(), "it waits for the stream in flight");

    probe.gate.add_permits(1);
    assert_eq!(read(body).await.unwrap(), "", "the rest of the body, and its end");
    assert_eq!(soon(draining).await.unwrap(), 0, "nothing was cut");
    soon(client.connection).await.unwrap().expect("a clean end");
}

#[actix_rt::test]
async fn goaway_says_what_was_served_and_a_client_that_ignores_it_is_not_served() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    raw.send(&[Frame::get(1, "/gated")]).await;
    raw.frame_like(|frame| frame.stream == 1).await;
    let draining = actix_rt::spawn({
        let server = server.clone();
        async move { server.drain(LONG).await }
    });

    let first = raw.frame_like(|frame| frame.kind == GOAWAY).await;
    assert_eq!(
        first.payload[..4],
        [0x7f, 0xff, 0xff, 0xff],
        "a warning: streams on their way are still served"
    );
    let ping = raw.frame_like(|frame| frame.kind == PING).await;
    raw.send(&[Frame::new(PING, ACK, 0, &ping.payload)]).await;
    let second = raw.frame_like(|frame| frame.kind == GOAWAY).await;
    assert_eq!(second.payload, [0, 0, 0, 1, 0, 0, 0, 0], "stream 1 was the last, no error");

    raw.send(&[Frame::get(3, "/hello")]).await;
    probe.gate.add_permits(1);
    while let Some(frame) = raw.frame().await {
        assert!(!(frame.kind == HEADERS && frame.stream == 3), "served after GOAWAY");
    }
    assert_eq!(soon(draining).await.unwrap(), 0);
}

#[actix_rt::test]
async fn what_outlives_the_grace_period_is_cut() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let _body = client.open("/idle").await;
    let mut http1 = Raw::connect(server.local_addrs()[0]).await;
    http1.write(b"GET /idle HTTP/1.1\r\nhost: h\r\n\r\n").await;
    http1.until("first").await;

    assert_eq!(soon(server.drain(Duration::from_millis(50))).await, 2);
    probe.drop_seen().await;
    probe.drop_seen().await;
    assert_eq!(server.stats().connections_open, 0);
}

#[actix_rt::test]
async fn a_connection_that_has_not_spoken_does_not_hold_up_a_stop() {
    let (server, _) = start(|_| {}).await;
    let mut silent = Raw::connect(server.local_addrs()[0]).await;
    seen(&server, |stats| stats.connections_open == 1).await;
    assert_eq!(soon(server.drain(LONG)).await, 0);
    silent.rest().await;
}

#[actix_rt::test]
async fn an_idle_http1_connection_closes_and_a_busy_one_finishes() {
    let (server, probe) = start(|_| {}).await;
    let mut idle = Raw::connect(server.local_addrs()[0]).await;
    idle.write(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
    idle.until("hello").await;
    let mut busy = Raw::connect(server.local_addrs()[0]).await;
    busy.write(b"GET /gated HTTP/1.1\r\nhost: h\r\n\r\n").await;
    busy.until("first").await;

    let draining = actix_rt::spawn({
        let server = server.clone();
        async move { server.drain(LONG).await }
    });
    assert_eq!(idle.rest().await, "");
    assert!(!draining.is_finished());
    probe.gate.add_permits(1);
    assert!(busy.rest().await.ends_with("0\r\n\r\n"), "the last chunk");
    assert_eq!(soon(draining).await.unwrap(), 0);
}

#[actix_rt::test]
async fn nobody_connects_to_a_draining_server() {
    // Often, because what must not happen is a race.
    for _ in 0..20 {
        let (server, _) = start(|_| {}).await;
        let addr = server.local_addrs()[0];
        assert_eq!(soon(server.drain(LONG)).await, 0);
        assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    }
}

#[actix_rt::test]
async fn a_dropped_handle_ends_the_server() {
    let (server, probe) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let _body = client.open("/idle").await;
    drop(server);
    probe.drop_seen().await;
}
