//! What a request asks for: its body, read as the bodies of devices are.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use denrei_gateway::problem::Problem;
use denrei_gateway::request::{self, Body};
use futures_util::future::LocalBoxFuture;

/// Most bytes of a body: none has more than a few numbers to say.
const MOST: usize = 16 * 1024;

/// A body whose form has been checked.
pub(super) struct Asked<T>(pub(super) T);

impl<T: Body> FromRequest for Asked<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { request::read(request.headers(), payload, MOST).await.map(Self) })
    }
}
