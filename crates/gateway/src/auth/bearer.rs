//! The `Authorization` header, and the realm that a token says it is of.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::problem::{Code, Problem};
use crate::state::Gateway;

/// The token that a request presents.
///
/// # Errors
/// `unauthorized` if there is not exactly one.
pub fn text(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut all = headers.get_all(AUTHORIZATION);
    let one = all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok());
    let (scheme, token) = one.and_then(|value| value.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

/// What is said to whoever presents something that does not have the form of an access token: it may be of another realm.
pub(super) fn foreign(token: &str, gateway: &Gateway) -> Problem {
    let forbidden = |detail: &str| Problem::new(Code::ForbiddenRealm).detail(detail);
    if token.starts_with("drr_") {
        forbidden("a refresh token is not an access token")
    } else if gateway.options.admin_token.as_ref().is_some_and(|admin| admin.is(token)) {
        forbidden("the admin token is not an access token")
    } else {
        unknown()
    }
}

fn missing() -> Problem {
    Problem::new(Code::Unauthorized).detail("expected Authorization: Bearer and an access token")
}

/// The node does not know the token.
pub(crate) fn unknown() -> Problem {
    Problem::new(Code::Unauthorized).detail("the access token is not known")
}
