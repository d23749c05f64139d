//! Who may look after queues: whoever presents the admin token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError as _};
use denrei_gateway::auth::admin;
use denrei_gateway::problem::{Code, Problem};

use super::QueuesAdmin;

/// Stands before every path of the scope, those that lead nowhere included.
pub(super) async fn admins_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match check(&request) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let queues = request.app_data::<Data<QueuesAdmin>>().ok_or(Code::Internal)?;
    admin::check(request.headers(), queues.token.as_ref())
}
