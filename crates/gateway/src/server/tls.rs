//! TLS for the server: a certificate from files, or one made up for development. TLS 1.3 and 1.2, ALPN `h2` and
//! `http/1.1`.
//!
//! Early data (0-RTT) stays off: what arrives in it may be replayed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is missing, unreadable, or not PEM.
    #[error("cannot read {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate and the key cannot be used, mostly because they do not belong together.
    #[error("certificate and key cannot be used")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made for the names given.
    #[error("cannot make a certificate")]
    Generate(#[from] rcgen::Error),
}

/// A TLS configuration and the certificate it shows.
#[derive(Debug, Clone)]
pub struct Development {
    /// For [`super::ServerOptions::tls`].
    pub config: Arc<ServerConfig>,
    /// The certificate in PEM, for clients to trust.
    pub certificate_pem: String,
}

/// Reads a certificate chain, leaf first, and its private key (PKCS#8, PKCS#1 or SEC1), both PEM.
pub fn load(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::File { path: certificates.to_owned(), reason: error.to_string() })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificates.to_owned() });
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::File { path: key.to_owned(), reason: error.to_string() })?;
    configure(chain, key)
}

/// Makes a self-signed certificate for `names` (host names or IP addresses), for development only: no client trusts
/// it unless told to, and it is another one after each start.
pub fn self_signed(names: &[&str]) -> Result<Development, TlsError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = configure(vec![made.cert.der().clone()], key.into())?;
    Ok(Development { config, certificate_pem: made.cert.pem() })
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
