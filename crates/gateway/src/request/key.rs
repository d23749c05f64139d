//! The `Idempotency-Key` header.

use actix_web::http::header::HeaderMap;
use denrei_model::idempotency::{IdempotencyKey, ParseKeyError};

use crate::problem::{Code, Problem};

/// The key of a request, if it has one.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let malformed = |_| Problem::new(Code::KeyMalformed).detail(ParseKeyError.to_string());
    let mut all = headers.get_all("idempotency-key");
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Problem::new(Code::KeyMalformed).detail("expected one key"));
    }
    let text = value.to_str().map_err(|_| malformed(ParseKeyError))?;
    text.parse().map(Some).map_err(malformed)
}
