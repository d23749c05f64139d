//! What one client may cost.

use std::sync::atomic::Ordering::SeqCst;

use tokio::net::TcpStream;

use super::{
    app::{seen, soon, start},
    client::{Client, read},
    raw::{Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, Raw, SETTINGS},
};

/// `REFUSED_STREAM`: not served at all, safe to try again.
const REFUSED: [u8; 4] = [0, 0, 0, 7];

#[actix_rt::test]
async fn the_101st_stream_is_refused_and_the_others_live() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    let asked: Vec<Frame> = (0..101).map(|n| Frame::get(n * 2 + 1, "/idle")).collect();
    raw.send(&asked).await;

    let refused = raw.frame_like(|frame| frame.kind == RST_STREAM).await;
    assert_eq!((refused.stream, &refused.payload[..]), (201, &REFUSED[..]));
    seen(&server, |stats| stats.streams_open == 100).await;
    assert_eq!(probe.dropped.available_permits(), 0);
}

#[actix_rt::test]
async fn ten_thousand_streams_on_one_connection_are_refused_but_for_a_hundred() {
    let (server, _) = start(|_| {}).await;
    let mut other = Client::connect(server.local_addrs()[0]).await;
    let _body = other.open("/idle").await;

    let mut raw = Raw::http2(server.local_addrs()[0]).await;
    for hundred in 0..100 {
        let asked: Vec<Frame> = (0..100).map(|n| Frame::get(hundred * 200 + n * 2 + 1, "/idle")).collect();
        raw.send(&asked).await;
        for _ in 0..if hundred == 0 { 0 } else { 100 } {
            let refused = raw.frame_like(|frame| frame.kind == RST_STREAM).await;
            assert_eq!(refused.payload, REFUSED);
        }
    }
    assert_eq!(server.stats().streams_open, 101);
    assert_eq!(read(other.get("/hello").await.unwrap().into_body()).await.unwrap(), "hello");
}

#[actix_rt::test]
async fn one_connection_too_many_is_closed_at_once() {
    let (server, _) = start(|options| options.max_connections = 2.try_into().unwrap()).await;
    let addr = server.local_addrs()[0];
    let mut first = Client::connect(addr).await;
    let mut second = Client::connect(addr).await;
    first.get("/hello").await.unwrap();
    second.get("/hello").await.unwrap();

    assert_eq!(Raw::connect(addr).await.rest().await, "");
    assert_eq!(server.stats().connections_refused, 1);

    first.connection.abort();
    seen(&server, |stats| stats.connections_open == 1).await;
    Client::connect(addr).await.get("/hello").await.unwrap();
}

#[actix_rt::test]
async fn a_silent_connect_is_closed_after_the_handshake_timeout() {
    let (server, _) = start(|options| options.handshake_timeout_ms = 50.try_into().unwrap()).await;
    let mut silent = Raw::connect(server.local_addrs()[0]).await;
    let mut half = Raw::connect(server.local_addrs()[0]).await;
    half.write(&PREFACE[..10]).await;
    assert_eq!(silent.rest().await, "");
    assert_eq!(half.rest().await, "");
    seen(&server, |stats| stats.handshake_timeouts == 2).await;
}

#[actix_rt::test]
async fn half_a_request_head_is_answered_with_408() {
    let (server, _) = start(|options| options.handshake_timeout_ms = 50.try_into().unwrap()).await;
    let mut slow = Raw::connect(server.local_addrs()[0]).await;
    slow.write(b"GET /hello HTTP/1.1\r\nhost: ").await;
    assert!(slow.rest().await.starts_with("HTTP/1.1 408"));
}

#[actix_rt::test]
async fn a_header_list_beyond_the_limit_is_refused() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let long = "x".repeat(17 * 1024);
    let refused = client.get(&format!("/{long}")).await;
    assert!(refused.is_err() || refused.unwrap().status() == 431);
    Client::connect(server.local_addrs()[0]).await.get("/hello").await.unwrap();
    for (long, status) in [(15 * 1024, "200"), (17 * 1024, "431")] {
        let mut raw = Raw::connect(server.local_addrs()[0]).await;
        let head = format!("GET /hello HTTP/1.1\r\nhost: h\r\nx: {}\r\n", "x".repeat(long));
        raw.write(format!("{head}connection: close\r\n\r\n").as_bytes()).await;
        let answer = raw.rest().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{long} bytes: {answer}");
    }
}

#[actix_rt::test]
async fn a_client_with_huge_windows_that_never_reads_costs_a_bounded_number_of_chunks() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    raw.write(PREFACE).await;
    // Initial window and the connection's window update, both as large as they can be.
    let settings = Frame::new(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
    let window = Frame::new(8, 0, 0, &[0x7f, 0xfe, 0xff, 0xff]);
    raw.send(&[settings, window, Frame::get(1, "/endless")]).await;
    assert_bounded(&probe.polls, &mut Client::connect(server.local_addrs()[0]).await).await;
}

#[actix_rt::test]
async fn an_answer_whose_window_stays_closed_is_given_up_and_a_stream_is_not() {
    let (server, _) = start(|options| options.unacknowledged_timeout_ms = 1_000.try_into().unwrap()).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    raw.write(PREFACE).await;
    let no_window = Frame::new(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    raw.send(&[no_window, Frame::get(1, "/idle"), Frame::get(3, "/bytes/1000000")]).await;
    let reset = raw.frame_like(|frame| frame.kind == RST_STREAM).await;
    assert_eq!((reset.stream, &reset.payload[..]), (3, &[0, 0, 0, 8][..]), "CANCEL");
    raw.send(&[Frame::get(5, "/bytes/1000000")]).await;
    let reset = raw.frame_like(|frame| frame.kind == RST_STREAM).await;
    assert_eq!(reset.stream, 5, "the stream is still there");
}

#[actix_rt::test]
async fn an_http1_client_that_never_reads_costs_a_bounded_number_of_chunks() {
    let (server, probe) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    raw.write(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_bounded(&probe.polls, &mut Client::connect(server.local_addrs()[0]).await).await;
}

/// The body is asked until buffers are full, and then no more while the same worker serves others.
async fn assert_bounded(polls: &std::sync::atomic::AtomicUsize, other: &mut Client) {
    let mut last = usize::MAX;
    let mut quiet = 0;
    soon(async {
        while quiet < 20 {
            other.get("/hello").await.unwrap();
            let now = polls.load(SeqCst);
            quiet = if now == last && now > 0 { quiet + 1 } else { 0 };
            last = now;
        }
    })
    .await;
    // The client's receive buffer is its own kernel's; it is what most of this goes to on one machine.
    assert!(last < 1024, "{last} chunks of 16 KiB were asked for");
}

#[actix_rt::test]
async fn garbage_is_answered_with_400_counted_and_closed() {
    let (server, _) = start(|_| {}).await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"\0\0\0\r\n\r\n",
    ] {
        let mut raw = Raw::connect(server.local_addrs()[0]).await;
        raw.write(garbage).await;
        let answer = raw.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{garbage:?}: {answer}");
    }
    seen(&server, |stats| stats.handshake_failures == 3).await;
}

#[actix_rt::test]
async fn garbage_after_the_preface_ends_the_connection_with_goaway() {
    let (server, _) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    raw.write(PREFACE).await;
    raw.send(&[Frame::new(SETTINGS, 0, 0, &[]), Frame::new(HEADERS, 0x4, 0, b"zz")]).await;
    let goaway = raw.frame_like(|frame| frame.kind == GOAWAY).await;
    assert_ne!(goaway.payload[4..8], [0; 4], "with an error");
}

#[actix_rt::test]
async fn a_panic_in_a_handler_resets_its_stream_only() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let _body = client.open("/idle").await;
    assert!(client.get("/panic").await.is_err());
    client.get("/hello").await.unwrap();
}

#[actix_rt::test]
async fn a_thousand_connects_at_once_are_all_served() {
    let (server, _) = start(|options| options.workers = 2.try_into().unwrap()).await;
    let addr = server.local_addrs()[0];
    let mut sockets = Vec::new();
    for _ in 0..1000 {
        sockets.push(soon(TcpStream::connect(addr)).await.unwrap());
    }
    for socket in sockets {
        let mut raw = Raw(socket);
        raw.write(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
        raw.until("hello").await;
    }
}
