//! What the operator may set about registration.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// Who may register.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Anybody: for development.
    #[default]
    Open,
    /// Whoever has a login token of the operator's own (a JWT); its `sub` is the person.
    Jwt,
    /// Whoever the operator's server brings, with the admin token and an id of its own.
    Server,
    /// Nobody; those who are there stay.
    Closed,
}

/// A secret that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret with this text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Options of registration. Only the key set is read again while the node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationOptions {
    /// Who may register: `open`, `jwt`, `server` or `closed`. Default `open`.
    pub mode: Mode,
    /// What login tokens must be, in mode `jwt`.
    pub jwt: JwtOptions,
}

/// What a login token must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JwtOptions {
    /// Secret of HS256, at least 32 bytes. Default none.
    pub hs256_secret: Option<Secret>,
    /// Public key of RS256, PEM. Default none.
    pub rs256_public_key: Option<String>,
    /// File with a JSON Web Key Set (RFC 7517); read again when it changes. Default none.
    pub jwks_file: Option<PathBuf>,
    /// What `iss` must be. Default: anything.
    pub issuer: Option<String>,
    /// What `aud` must hold. Default: anything.
    pub audience: Option<String>,
}
