//! How many requests were answered with what, and how soon: counted around every route of the port of devices.
//!
//! Paths are told as they are routed (`/v1/chats/{chat}`), methods and statuses by their few words, so that nobody can make
//! more figures than there are routes.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use metrics::Label;

use crate::state::Gateway;

const REQUESTS: &str = "denrei_http_requests_total";
pub(crate) const DURATION: &str = "denrei_http_request_duration_seconds";
/// Upper bounds of the time that an answer took.
pub(crate) const BOUNDS_SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0];
/// What a request to no route has for its route.
const NOWHERE: &str = "none";

/// Tells the recorder what the figures say.
pub(crate) fn describe() {
    metrics::describe_counter!(
        REQUESTS,
        "Requests of devices that were answered, by route, method and class of status."
    );
    metrics::describe_histogram!(
        DURATION,
        "How long requests took until the head of their answer was there; what waits for news is among them."
    );
}

/// Counts a request once the head of its answer is there. For `from_fn`, around the whole app, which must hold a
/// [`Gateway`] as `Data`.
///
/// # Errors
/// Those of what it stands before.
pub async fn count<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let gateway = request.app_data::<Data<Gateway>>().cloned();
    let method = word(request.method());
    let began = gateway.as_ref().map(|gateway| gateway.clock.monotonic());
    let answer = next.call(request).await;
    let (route, status) = match &answer {
        Ok(answer) => (answer.request().match_pattern(), answer.status()),
        Err(error) => (None, error.as_response_error().status_code()),
    };
    let route = route.unwrap_or_else(|| NOWHERE.to_owned());
    let status = class(status);
    if let (Some(gateway), Some(began)) = (gateway, began) {
        let took = gateway.clock.monotonic().saturating_sub(began);
        let labels = vec![
            Label::new("route", route),
            Label::from_static_parts("method", method),
            Label::from_static_parts("status", status),
        ];
        metrics::counter!(REQUESTS, labels.clone()).increment(1);
        metrics::histogram!(DURATION, labels).record(took);
    }
    answer
}

/// Methods that are no route's are one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
