//! One port, both protocols, the same application.

use http::Method;

use super::{
    app::start,
    client::{Client, read},
    raw::Raw,
};

#[actix_rt::test]
async fn http1_and_http2_share_a_port_and_know_their_peer() {
    let (server, _) = start(|_| {}).await;
    let addr = server.local_addrs()[0];
    let mut raw = Raw::connect(addr).await;
    let peer = raw.0.local_addr().unwrap();
    raw.write(b"GET /who HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(&format!("{peer} Http1 false")), "{answer}");

    let socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    let peer = socket.local_addr().unwrap();
    let mut client = Client::over(socket).await;
    let answer = client.get("/who").await.unwrap();
    assert_eq!(read(answer.into_body()).await.unwrap(), format!("{peer} Http2 false"));
}

#[actix_rt::test]
async fn an_http1_request_may_arrive_byte_by_byte_and_start_like_the_preface() {
    let (server, _) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    for byte in b"PRI /hello HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n" {
        raw.write(&[*byte]).await;
    }
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 404"), "a method without a route, all bytes given back: {answer}");
}

#[actix_rt::test]
async fn http1_connections_are_kept_for_the_next_request() {
    let (server, _) = start(|_| {}).await;
    let mut raw = Raw::connect(server.local_addrs()[0]).await;
    for _ in 0..3 {
        raw.write(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
        raw.until("hello").await;
    }
    assert_eq!(server.stats().connections_accepted, 1);
}

#[actix_rt::test]
async fn heads_carry_date_and_length_and_nothing_of_http1() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let response = client.get("/hello").await.unwrap();
    let headers = response.headers();
    assert_eq!(headers["content-length"], "5");
    let date = headers["date"].to_str().unwrap();
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    let hop = client.get("/hop").await.expect("no header that HTTP/2 forbids");
    assert!(!hop.headers().contains_key("keep-alive") && !hop.headers().contains_key("connection"));
    assert_eq!(client.get("/nowhere").await.unwrap().status(), 404);
}

#[actix_rt::test]
async fn a_response_to_head_and_one_without_content_have_no_body() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (response, _) = client.send(Method::HEAD, "/hello", false).await.unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(read(response.into_body()).await.unwrap(), "");

    let response = client.get("/empty").await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("content-length") && response.body().is_end_stream());
}
