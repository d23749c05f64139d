//! TLS to a node: whom it trusts, and the handshake.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ConnectError;

/// What HTTP/2 is called in a TLS handshake.
const HTTP2: &[u8] = b"h2";

/// Whom to trust: the certificates of a file, or those of the system.
#[derive(Clone, Debug)]
pub(super) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The system's authorities. One that cannot be read is left out; if there is none at all, nobody is trusted, which the
    /// handshake tells.
    pub(super) fn of_system() -> Result<Self, ConnectError> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of the system's certificates cannot be read");
        }
        Self::of(found.certs)
    }

    /// The certificates of a PEM file, and nobody else.
    pub(super) fn of_file(path: &Path) -> Result<Self, ConnectError> {
        let unreadable = |reason: String| ConnectError::Certificates { path: path.to_owned(), reason };
        let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        let found: Vec<CertificateDer<'static>> = found.map_err(|error| unreadable(error.to_string()))?;
        if found.is_empty() {
            return Err(unreadable("it holds no certificate".to_owned()));
        }
        Self::of(found)
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Result<Self, ConnectError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![HTTP2.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with the node of this authority.
    pub(super) async fn connect(
        &self,
        authority: &str,
        socket: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|_| ConnectError::Address(authority.to_owned()))?;
        let stream = TlsConnector::from(Arc::clone(&self.0)).connect(name, socket).await.map_err(failed)?;
        match stream.get_ref().1.alpn_protocol() {
            Some(HTTP2) => Ok(stream),
            _ => Err(ConnectError::NoHttp2),
        }
    }
}

/// Tells a peer that shakes hands differently from a connection that broke meanwhile.
fn failed(error: std::io::Error) -> ConnectError {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match reason {
        None => ConnectError::Io(error),
        Some(reason @ (rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. })) => {
            ConnectError::NotTls(reason.clone())
        }
        Some(reason) => ConnectError::Handshake(reason.clone()),
    }
}
