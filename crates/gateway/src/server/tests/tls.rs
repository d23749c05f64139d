//! The same over TLS, with the protocol agreed on by ALPN.

use std::{net::SocketAddr, sync::Arc};

use rustls::{
    ClientConfig, HandshakeKind, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    app::{Probe, seen, soon, start},
    client::{Client, read},
    raw::Raw,
};
use crate::server::{
    ServerError, ServerHandle, ServerOptions,
    tls::{MinVersion, TlsError, load, self_signed},
};

async fn started(change: impl FnOnce(&mut ServerOptions)) -> (ServerHandle, Probe, String) {
    started_from(MinVersion::default(), change).await
}

async fn started_from(
    oldest: MinVersion,
    change: impl FnOnce(&mut ServerOptions),
) -> (ServerHandle, Probe, String) {
    let development = self_signed(&["localhost"], oldest).unwrap();
    let (server, probe) = start(|options| {
        options.listen.clear();
        options.tls_listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        options.tls = Some(development.config);
        change(options);
    })
    .await;
    (server, probe, development.certificate_pem)
}

async fn connect(server: &ServerHandle, pem: &str, alpn: &[&str]) -> TlsStream<TcpStream> {
    connect_as(server, Arc::new(trusting(pem, alpn))).await
}

async fn connect_as(server: &ServerHandle, client: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let socket = TcpStream::connect(server.local_addrs()[0]).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(client).connect(name, socket)).await.unwrap()
}

fn trusting(pem: &str, alpn: &[&str]) -> ClientConfig {
    trusting_by(rustls::DEFAULT_VERSIONS, pem, alpn)
}

fn trusting_by(
    versions: &[&'static rustls::SupportedProtocolVersion],
    pem: &str,
    alpn: &[&str],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

#[actix_rt::test]
async fn alpn_h2_is_http2_and_its_end_drops_the_body() {
    let (server, probe, pem) = started(|_| {}).await;
    let stream = connect(&server, &pem, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = Client::over(stream).await;
    let answer = read(client.get("/who").await.unwrap().into_body()).await.unwrap();
    assert!(answer.ends_with(b" Http2 true"), "{answer:?}");

    let _body = client.open("/idle").await;
    client.connection.abort();
    probe.drop_seen().await;
}

#[actix_rt::test]
async fn alpn_http1_and_none_at_all_are_http1() {
    let (server, _, pem) = started(|_| {}).await;
    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&server, &pem, alpn).await;
        stream.write_all(b"GET /who HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let _ = soon(stream.read_to_string(&mut answer)).await;
        assert!(answer.ends_with(" Http1 true"), "{answer}");
    }
}

#[actix_rt::test]
async fn a_client_without_tls_1_3_is_served_only_where_that_is_allowed() {
    for oldest in [MinVersion::Tls13, MinVersion::Tls12] {
        let (server, _, pem) = started_from(oldest, |_| {}).await;
        let client = trusting_by(&[&rustls::version::TLS12], &pem, &["h2"]);
        let socket = TcpStream::connect(server.local_addrs()[0]).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let met = soon(TlsConnector::from(Arc::new(client)).connect(name, socket)).await;
        assert_eq!(met.is_ok(), oldest == MinVersion::Tls12, "{oldest:?}: {met:?}");
    }
}

#[actix_rt::test]
async fn a_client_that_comes_again_resumes_and_is_offered_no_early_data() {
    let (server, _, pem) = started(|_| {}).await;
    let mut config = trusting(&pem, &["h2"]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut client = Client::over(connect_as(&server, Arc::clone(&config)).await).await;
    client.get("/who").await.unwrap();

    let mut again = connect_as(&server, config).await;
    let tls = again.get_mut().1;
    assert_eq!(tls.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(tls.early_data().is_none() && !tls.is_early_data_accepted());
    let answer = read(Client::over(again).await.get("/who").await.unwrap().into_body()).await.unwrap();
    assert!(answer.ends_with(b" Http2 true"), "{answer:?}");
}

#[actix_rt::test]
async fn a_large_response_arrives_whole_over_tls() {
    let (server, _, pem) = started(|_| {}).await;
    let mut client = Client::over(connect(&server, &pem, &["h2"]).await).await;
    let response = client.get("/bytes/1000000").await.unwrap();
    assert_eq!(read(response.into_body()).await.unwrap().len(), 1_000_000);
}

#[actix_rt::test]
async fn cleartext_on_the_tls_port_fails_its_handshake_and_silence_times_out() {
    let (server, _, _) = started(|options| options.handshake_timeout_ms = 100.try_into().unwrap()).await;
    let mut plain = Raw::connect(server.local_addrs()[0]).await;
    plain.write(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
    plain.rest().await;
    seen(&server, |stats| stats.handshake_failures == 1).await;

    let mut silent = Raw::connect(server.local_addrs()[0]).await;
    silent.rest().await;
    seen(&server, |stats| stats.handshake_timeouts == 1).await;
}

#[actix_rt::test]
async fn silent_clients_take_no_turn_from_a_real_handshake() {
    let (server, _, pem) = started(|_| {}).await;
    let mut silent = Vec::new();
    for n in 0..40 {
        let mut raw = Raw::connect(server.local_addrs()[0]).await;
        if n % 2 == 0 {
            raw.write(&[0x16]).await;
        }
        silent.push(raw);
    }
    let mut client = Client::over(connect(&server, &pem, &["h2"]).await).await;
    client.get("/hello").await.unwrap();
}

#[actix_rt::test]
async fn a_tls_address_without_a_certificate_is_refused() {
    let mut options = ServerOptions { listen: Vec::new(), ..ServerOptions::default() };
    let nothing = crate::server::Server::start(options.clone(), actix_web::App::new).await;
    assert!(matches!(nothing, Err(ServerError::NothingToListenOn)));
    options.tls_listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    let missing = crate::server::Server::start(options, actix_web::App::new).await;
    assert!(matches!(missing, Err(ServerError::TlsMissing)));
}

#[test]
fn certificate_and_key_come_from_files_and_must_belong_together() {
    let dir = std::env::temp_dir().join(format!("denrei-tls-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let [one, two] = [(); 2].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    let (chain, key, other) = (dir.join("chain.pem"), dir.join("key.pem"), dir.join("other.pem"));
    std::fs::write(&chain, one.cert.pem()).unwrap();
    std::fs::write(&key, one.signing_key.serialize_pem()).unwrap();
    std::fs::write(&other, two.signing_key.serialize_pem()).unwrap();

    assert_eq!(load(&chain, &key, MinVersion::Tls13).unwrap().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    assert!(matches!(load(&chain, &other, MinVersion::Tls13), Err(TlsError::Mismatch { .. })));
    assert!(matches!(load(&chain, &chain, MinVersion::Tls13), Err(TlsError::NoKey { .. })));
    let header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n";
    for text in [
        format!("-----BEGIN EC PRIVATE KEY-----\n{header}-----END EC PRIVATE KEY-----\n"),
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned(),
    ] {
        std::fs::write(&other, text).unwrap();
        assert!(matches!(load(&chain, &other, MinVersion::Tls13), Err(TlsError::Encrypted { .. })));
    }
    assert!(matches!(load(&key, &key, MinVersion::Tls13), Err(TlsError::NoCertificate { .. })));
    let absent = load(&dir.join("absent.pem"), &key, MinVersion::Tls13).unwrap_err();
    assert!(absent.to_string().contains("absent.pem"), "{absent}");
    std::fs::remove_dir_all(&dir).unwrap();
}
