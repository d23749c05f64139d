//! Login tokens of the operator's: JSON Web Tokens (RFC 7519) under HS256, RS256, or the keys of a key set (RFC 7517).
//!
//! The algorithm is that of the key, never what a token says of itself (RFC 8725 section 3.1).

use denrei_model::clock::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::options::JwtOptions;

/// Seconds by which the clocks of the two sides may differ.
const LEEWAY: u64 = 60;
/// HS256 with a shorter secret can be searched (RFC 7518 section 3.2).
const MIN_SECRET: usize = 32;

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The keys that tokens may be signed with.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// Or all that is wrong with them, each by its key.
    pub(super) fn new(options: &JwtOptions, jwks: Option<&str>) -> Result<Self, Vec<String>> {
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        if let Some(secret) = &options.hs256_secret {
            if secret.bytes().len() < MIN_SECRET {
                faults.push(format!("jwt.hs256_secret: must have at least {MIN_SECRET} bytes"));
            }
            let key = DecodingKey::from_secret(secret.bytes());
            keys.push(Key { id: None, algorithm: Algorithm::HS256, key });
        }
        if let Some(pem) = &options.rs256_public_key {
            match DecodingKey::from_rsa_pem(pem.as_bytes()) {
                Ok(key) => keys.push(Key { id: None, algorithm: Algorithm::RS256, key }),
                Err(error) => faults.push(format!("jwt.rs256_public_key: no RSA key in PEM: {error}")),
            }
        }
        match jwks.map(key_set) {
            Some(Ok(set)) => keys.extend(set),
            Some(Err(fault)) => faults.push(format!("jwt.jwks_file: {fault}")),
            None => {}
        }
        if faults.is_empty() { Ok(Self(keys)) } else { Err(faults) }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The RSA keys of a key set; others are passed over, as a set may hold keys for other purposes.
fn key_set(text: &str) -> Result<Vec<Key>, String> {
    let set: JwkSet = serde_json::from_str(text).map_err(|error| format!("the key set: {error}"))?;
    let mut keys = Vec::new();
    for jwk in set.keys.iter().filter(|jwk| matches!(jwk.algorithm, AlgorithmParameters::RSA(_))) {
        let key = DecodingKey::from_jwk(jwk).map_err(|error| format!("the key set: {error}"))?;
        keys.push(Key { id: jwk.common.key_id.clone(), algorithm: Algorithm::RS256, key });
    }
    if keys.is_empty() {
        return Err("the key set holds no RSA key".to_owned());
    }
    Ok(keys)
}

/// What else a token must be.
pub(super) struct Rules {
    issuer: Option<String>,
    audience: Option<String>,
}

impl Rules {
    pub(super) fn new(options: &JwtOptions) -> Self {
        Self { issuer: options.issuer.clone(), audience: options.audience.clone() }
    }

    /// Times are checked against the clock of the node, not the one that the library would read.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds since the epoch, perhaps with a fraction.
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

/// The person that a token names.
pub(super) fn subject(token: &str, keys: &Keys, rules: &Rules, now: Timestamp) -> Result<String, String> {
    let header = decode_header(token).map_err(|error| error.to_string())?;
    let named = |key: &&Key| match (&header.kid, &key.id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => true,
    };
    let mut why = "no key for it".to_owned();
    for key in keys.0.iter().filter(named).filter(|key| key.algorithm == header.alg) {
        match decode::<Claims>(token, &key.key, &rules.validation(key.algorithm)) {
            Ok(good) => return in_time(good.claims, now),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

fn in_time(claims: Claims, now: Timestamp) -> Result<String, String> {
    let (now, leeway) = (now.as_millis() as f64 / 1_000.0, LEEWAY as f64);
    if claims.exp + leeway <= now {
        return Err("it has ended".to_owned());
    }
    if claims.nbf.is_some_and(|from| from - leeway > now) {
        return Err("it is not yet good".to_owned());
    }
    if claims.sub.is_empty() {
        return Err("`sub` is empty".to_owned());
    }
    Ok(claims.sub)
}
