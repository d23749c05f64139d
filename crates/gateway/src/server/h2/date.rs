//! The `Date` header, formatted twice a second at most.

use actix_http::ServiceConfig;
use bytes::BytesMut;
use http::HeaderValue;

/// The clock of `Date` headers, one per worker.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Date(ServiceConfig);

/// `date: ` before the value and the line's end after it, as actix-http writes them.
const BEFORE: usize = 6;
const AFTER: usize = 2;

impl Date {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut line = BytesMut::with_capacity(64);
        self.0.write_date_header(&mut line, false);
        let end = line.len().checked_sub(AFTER)?;
        HeaderValue::from_bytes(line.get(BEFORE..end)?).ok()
    }
}
