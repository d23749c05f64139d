//! TLS for the server: a certificate from files, or one made up for development. TLS 1.3, and 1.2 where clients need it; ALPN
//! `h2` and `http/1.1`.
//!
//! Early data (0-RTT) stays off: what arrives in it may be replayed, and no request of ours bears that (`docs/adr/0005`).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer,
        pem::{self, PemObject as _},
    },
};
use serde::Deserialize;

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum MinVersion {
    /// `"1.2"`: for clients without TLS 1.3.
    Tls12,
    /// `"1.3"`: TLS 1.3 alone. The default.
    #[default]
    Tls13,
}

impl TryFrom<String> for MinVersion {
    type Error = String;

    fn try_from(version: String) -> Result<Self, String> {
        match version.as_str() {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            other => Err(format!("{other:?}: must be \"1.2\" or \"1.3\"")),
        }
    }
}

impl MinVersion {
    fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12 => vec![&rustls::version::TLS13, &rustls::version::TLS12],
            Self::Tls13 => vec![&rustls::version::TLS13],
        }
    }
}

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
    /// The file holds no private key.
    #[error("{path} holds no private key")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The private key is encrypted, and nobody is there to say its passphrase.
    #[error("the private key in {path} is encrypted; it must be in the clear")]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The key is not that of the certificate.
    #[error("{key} is not the key of the first certificate in {certificates}")]
    Mismatch {
        /// The file of the certificates.
        certificates: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key cannot be used.
    #[error("certificate and key cannot be used: {0}")]
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
pub fn load(certificates: &Path, key: &Path, oldest: MinVersion) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificates)?).collect();
    let chain = chain.map_err(|error| unreadable(certificates, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificates.to_owned() });
    }
    configure(chain, private_key(key)?, oldest).map_err(|error| match error {
        TlsError::Unusable(rustls::Error::InconsistentKeys(_)) => {
            TlsError::Mismatch { certificates: certificates.to_owned(), key: key.to_owned() }
        }
        other => other,
    })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = String::from_utf8_lossy(&text).contains("ENCRYPTED");
        match error {
            _ if encrypted => TlsError::Encrypted { path: path.to_owned() },
            pem::Error::NoItemsFound => TlsError::NoKey { path: path.to_owned() },
            other => unreadable(path, &other),
        }
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: error.to_string() }
}

/// Makes a self-signed certificate for `names` (host names or IP addresses), for development only: no client trusts
/// it unless told to, and it is another one after each start.
pub fn self_signed(names: &[&str], oldest: MinVersion) -> Result<Development, TlsError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = configure(vec![made.cert.der().clone()], key.into(), oldest)?;
    Ok(Development { config, certificate_pem: made.cert.pem() })
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    oldest: MinVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&oldest.versions())?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
