//! Cross-origin requests: which web pages may call the node.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use serde::Deserialize;

/// Seconds for which a browser keeps what it was told.
const KEPT: usize = 3_600;

/// What the operator may set about cross-origin requests. Does not reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorsOptions {
    /// Origins whose pages may call, such as `https://chat.example`; `*` for any. Default none.
    pub origins: Vec<String>,
}

/// The layer for an app. Tokens travel in a header that pages must set themselves, so no credentials of the browser are asked for.
pub fn cors(options: &CorsOptions) -> Cors {
    let key = HeaderName::from_static("idempotency-key");
    let mut cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, key])
        .expose_headers([RETRY_AFTER])
        .max_age(KEPT);
    for origin in &options.origins {
        cors = if origin == "*" { cors.allow_any_origin() } else { cors.allowed_origin(origin) };
    }
    cors
}
