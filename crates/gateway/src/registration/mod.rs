//! Who may register: anybody, whoever the operator's own login knows (`jwt`), whoever the operator's server brings, or nobody.

mod jwt;
mod options;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use denrei_model::clock::Timestamp;

pub use options::{JwtOptions, Mode, RegistrationOptions, Secret};

use crate::problem::{Code, Problem};
use jwt::{Keys, Rules};

/// A key for login tokens that cannot be used, or is missing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("registration: {0}")]
pub struct KeysRefused(String);

/// How people are registered.
#[derive(Clone)]
pub struct Registration {
    mode: Mode,
    rules: Arc<Rules>,
    /// Replaced as a whole when the operator rotates keys.
    keys: Arc<RwLock<Arc<Keys>>>,
}

impl Registration {
    /// Registration as the operator has set it. `jwks` is the text of the JSON Web Key Set, where there is one.
    ///
    /// # Errors
    /// A key that cannot be used, or none where one is needed.
    pub fn new(options: &RegistrationOptions, jwks: Option<&str>) -> Result<Self, KeysRefused> {
        let keys = Keys::new(&options.jwt, jwks).map_err(KeysRefused)?;
        if options.mode == Mode::Jwt && keys.is_empty() {
            let needed = "mode `jwt` needs `hs256_secret`, `rs256_public_key` or `jwks_file`";
            return Err(KeysRefused(needed.to_owned()));
        }
        let rules = Arc::new(Rules::new(&options.jwt));
        Ok(Self { mode: options.mode, rules, keys: Arc::new(RwLock::new(Arc::new(keys))) })
    }

    /// Takes a new key set; the last good one stays if it cannot be used.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn replace_keys(&self, options: &RegistrationOptions, jwks: &str) -> Result<(), KeysRefused> {
        let keys = Arc::new(Keys::new(&options.jwt, Some(jwks)).map_err(KeysRefused)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// In which way.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The person that a login token of the operator's names.
    ///
    /// # Errors
    /// `unauthorized` with the reason: a signature, issuer, audience or time that is not as it must be.
    pub fn subject(&self, token: &str, now: Timestamp) -> Result<String, Problem> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        jwt::subject(token, &keys, &self.rules, now)
            .map_err(|why| Problem::new(Code::Unauthorized).detail(format!("the login token: {why}")))
    }
}
