//! Heads: a request as actix-web wants it, a response as HTTP/2 wants it.

use std::rc::Rc;

use actix_http::{HttpMessage as _, Payload, Request, ResponseHead, header::HeaderMap};
use actix_web::body::BodySize;
use h2::RecvStream;
use http::{
    HeaderValue, Method, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, TRANSFER_ENCODING, UPGRADE},
};

use super::Date;
use crate::server::Connection;

/// Headers of one HTTP/1.1 hop, which HTTP/2 forbids.
fn is_of_one_hop(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// A request for the application, with its connection in its extensions.
pub(super) fn request(request: http::Request<RecvStream>, connection: &Rc<Connection>) -> Request {
    let (parts, body) = request.into_parts();
    let payload = if body.is_end_stream() { Payload::None } else { Payload::from(body) };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.uri = parts.uri;
    head.method = parts.method;
    head.version = parts.version;
    head.headers = HeaderMap::from(parts.headers);
    head.peer_addr = Some(connection.peer);
    request.extensions_mut().insert(Rc::clone(connection));
    request
}

/// What follows a response's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Following {
    /// Nothing: the head ends the stream.
    Nothing,
    /// So many bytes, no less.
    Bytes(u64),
    /// As many as the body yields.
    Stream,
}

/// The head of a response to a request of `method`, and what follows it.
pub(super) fn response(
    head: &ResponseHead,
    size: BodySize,
    method: &Method,
    date: &Date,
) -> (http::Response<()>, Following) {
    let mut response = http::Response::new(());
    *response.status_mut() = head.status;
    *response.version_mut() = Version::HTTP_2;
    let headers = response.headers_mut();
    // A streamed body may know its length and say so; a sized one is believed over its header.
    let keeps_length = size == BodySize::Stream && head.status != StatusCode::NO_CONTENT;
    for (name, value) in head.headers.iter() {
        if !is_of_one_hop(name) && (keeps_length || name != CONTENT_LENGTH) {
            headers.append(name.clone(), value.clone());
        }
    }
    if !headers.contains_key(DATE)
        && let Some(date) = date.header()
    {
        headers.insert(DATE, date);
    }
    if head.status == StatusCode::NO_CONTENT || head.status.is_informational() {
        return (response, Following::Nothing);
    }
    if let BodySize::Sized(length) = size {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let following = match size {
        _ if method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED => Following::Nothing,
        BodySize::None | BodySize::Sized(0) => Following::Nothing,
        BodySize::Sized(length) => Following::Bytes(length),
        BodySize::Stream => Following::Stream,
    };
    (response, following)
}
