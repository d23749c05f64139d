//! Who may look: whoever presents the admin token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError as _};

use super::Debug;
use crate::auth::admin;
use crate::problem::{Code, Problem};

/// Stands before a page, whatever is asked of it.
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
    let debug = request.app_data::<Data<Debug>>().ok_or(Code::Internal)?;
    admin::check(request.headers(), debug.gateway.options.admin_token.as_ref())
}
