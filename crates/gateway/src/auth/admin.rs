//! The admin token: the operator's own, taken on the admin port and for registration by a server, nowhere else.

use std::fmt;

use actix_web::http::header::HeaderMap;
use serde::Deserialize;

use super::bearer;
use crate::problem::{Code, Problem};

/// A secret of the operator's.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AdminToken(String);

impl AdminToken {
    /// The token with this text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether the text is it. The comparison is one of hashes and takes the same time whatever differs.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        !self.0.is_empty() && blake3::hash(self.0.as_bytes()) == blake3::hash(text.as_bytes())
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// Refuses whoever does not present the admin token. Without one set, nobody does.
///
/// # Errors
/// `unauthorized`; `forbidden_realm` for the token of a device.
pub fn check(headers: &HeaderMap, admin: Option<&AdminToken>) -> Result<(), Problem> {
    let text = bearer::text(headers).map_err(|_| unknown())?;
    if admin.is_some_and(|admin| admin.is(text)) {
        return Ok(());
    }
    if text.starts_with("dra_") || text.starts_with("drr_") {
        return Err(Problem::new(Code::ForbiddenRealm).detail("a device's token is not the admin token"));
    }
    Err(unknown())
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthorized).detail("expected Authorization: Bearer and the admin token")
}
