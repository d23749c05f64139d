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

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn refused(faults: Vec<String>) -> KeysRefused {
    KeysRefused(faults.join("; "))
}

const NO_KEY: &str = "mode: \"jwt\" needs jwt.hs256_secret, jwt.rs256_public_key or jwt.jwks_file";

impl RegistrationOptions {
    /// Everything that is wrong with these options, each by its key. `jwks` is the text of the JSON Web Key Set, where there is one;
    /// that the file named cannot be read is for its reader to say.
    #[must_use]
    pub fn faults(&self, jwks: Option<&str>) -> Vec<String> {
        let JwtOptions { hs256_secret, rs256_public_key, jwks_file, .. } = &self.jwt;
        let named = hs256_secret.is_some() || rs256_public_key.is_some() || jwks_file.is_some();
        let mut faults = Keys::new(&self.jwt, jwks).err().unwrap_or_default();
        if self.mode == Mode::Jwt && !named {
            faults.push(NO_KEY.to_owned());
        }
        faults
    }
}

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
        let keys = Keys::new(&options.jwt, jwks).map_err(refused)?;
        if options.mode == Mode::Jwt && keys.is_empty() {
            return Err(KeysRefused(NO_KEY.to_owned()));
        }
        let rules = Arc::new(Rules::new(&options.jwt));
        Ok(Self { mode: options.mode, rules, keys: Arc::new(RwLock::new(Arc::new(keys))) })
    }

    /// Takes a new key set; the last good one stays if it cannot be used.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn replace_keys(&self, options: &RegistrationOptions, jwks: &str) -> Result<(), KeysRefused> {
        let keys = Arc::new(Keys::new(&options.jwt, Some(jwks)).map_err(refused)?);
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
