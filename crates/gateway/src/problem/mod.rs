//! Problems: what a request is told when it is not granted, as RFC 9457 has it.
//!
//! ```text
//! refusal of an entity ─┐
//! malformed request    ─┼─► Problem { Code, detail, members } ─► application/problem+json
//! overload, trouble    ─┘              └─► its page: GET /problems/<code>, docs/problems/<code>.md
//! ```
//!
//! A code is stable: clients decide by it. Title and detail are for people and may be worded anew.

mod code;
pub mod page;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

pub use code::Code;

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// How long callers are told to wait when nothing better is known.
const SOON: Duration = Duration::from_secs(1);

/// Why a request was not granted.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

impl Problem {
    /// A problem of this kind. One that passes says that it may be worth trying again in a second, until something better is
    /// known.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let passes = matches!(code.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let retry_after = passes.then_some(SOON);
        Self { code, detail: None, members: Map::new(), retry_after, allow: None }
    }

    /// Says what happened this time, to a person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member of its own to the problem. What cannot be JSON is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.members.insert(name.to_owned(), value);
        }
        self
    }

    /// Says when it may be worth trying again; whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Says which methods there are, in the header `Allow`: "GET, PUT".
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.allow = Some(methods.into());
        self
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The body: `type`, `title`, `status`, `code`, `detail`, and members of its own.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.members.clone();
        body.insert("type".to_owned(), format!("/problems/{}", self.code.as_str()).into());
        body.insert("title".to_owned(), self.code.title().into());
        body.insert("status".to_owned(), self.code.status().as_u16().into());
        body.insert("code".to_owned(), self.code.as_str().into());
        if let Some(detail) = &self.detail {
            body.insert("detail".to_owned(), detail.as_str().into());
        }
        Value::Object(body)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.code.status());
        if self.code.status().canonical_reason().is_none() {
            response.reason(self.code.title());
        }
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)));
        if let Some(challenge) = self.code.challenge() {
            response.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if let Some(methods) = &self.allow {
            response.insert_header((ALLOW, methods.as_str()));
        }
        response.body(self.body().to_string())
    }
}
