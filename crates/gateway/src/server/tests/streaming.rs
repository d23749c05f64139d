//! Bodies in both directions, under flow control.

use bytes::Bytes;
use h2::SendStream;
use http::Method;

use super::{
    app::{soon, start},
    client::{Client, read},
};

const LARGE: usize = 8 * 1024 * 1024;

/// Sends as the server's window allows.
async fn upload(mut sending: SendStream<Bytes>, mut left: usize) {
    let chunk = Bytes::from(vec![b'z'; 64 * 1024]);
    while left > 0 {
        sending.reserve_capacity(chunk.len().min(left));
        let room = soon(std::future::poll_fn(|cx| sending.poll_capacity(cx))).await.unwrap().unwrap();
        let part = chunk.slice(..room.min(left).min(chunk.len()));
        left -= part.len();
        sending.send_data(part, left == 0).unwrap();
    }
}

#[actix_rt::test]
async fn a_large_request_body_arrives_whole() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (response, sending) = client.send(Method::POST, "/count", true).await.unwrap();
    upload(sending, LARGE).await;
    let body = soon(response).await.unwrap().into_body();
    assert_eq!(read(body).await.unwrap(), LARGE.to_string());
}

#[actix_rt::test]
async fn a_large_response_arrives_whole_with_its_length() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let response = client.get(&format!("/bytes/{LARGE}")).await.unwrap();
    assert_eq!(response.headers()["content-length"], LARGE.to_string());
    let body = read(response.into_body()).await.unwrap();
    assert!(body.len() == LARGE && body.iter().all(|byte| *byte == b'y'));
}

#[actix_rt::test]
async fn a_duplex_stream_echoes_each_chunk_at_once() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (response, mut sending) = client.send(Method::POST, "/echo", true).await.unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    for n in 0..50 {
        let line = Bytes::from(format!("line {n}\n"));
        sending.send_data(line.clone(), false).unwrap();
        assert_eq!(soon(body.data()).await.unwrap().unwrap(), line);
    }
    sending.send_data(Bytes::new(), true).unwrap();
    assert_eq!(read(body).await.unwrap(), "");
}

#[actix_rt::test]
async fn large_bodies_pass_in_both_directions_at_once() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    let (response, sending) = client.send(Method::POST, "/echo", true).await.unwrap();
    let uploading = tokio::spawn(upload(sending, LARGE));
    let body = soon(response).await.unwrap().into_body();
    assert_eq!(read(body).await.unwrap().len(), LARGE);
    uploading.await.unwrap();
}

#[actix_rt::test]
async fn a_body_nobody_reads_does_not_stop_the_other_streams() {
    let (server, _) = start(|_| {}).await;
    let mut client = Client::connect(server.local_addrs()[0]).await;
    // GET handlers here read no body: what is sent stays in the stream's window.
    let (_unread, mut sending) = client.send(Method::GET, "/unanswered", true).await.unwrap();
    sending.reserve_capacity(LARGE);
    let room = soon(std::future::poll_fn(|cx| sending.poll_capacity(cx))).await.unwrap().unwrap();
    sending.send_data(Bytes::from(vec![0; room]), false).unwrap();

    let (response, sending) = client.send(Method::POST, "/count", true).await.unwrap();
    upload(sending, LARGE).await;
    assert_eq!(read(soon(response).await.unwrap().into_body()).await.unwrap(), LARGE.to_string());
}
