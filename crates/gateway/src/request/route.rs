//! Paths: a resource tells callers when it has no such method, and paths and queries that do not parse are told why.

use actix_web::error::{PathError, QueryPayloadError};
use actix_web::web::{self, PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, Resource};

use crate::problem::{Code, Problem};

/// A path whose other methods are told `method_not_allowed`.
pub(crate) fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

/// What all routes of an app have in common.
pub(crate) fn common(routes: &mut ServiceConfig) {
    routes
        .app_data(PathConfig::default().error_handler(|error, _| path(&error).into()))
        .app_data(QueryConfig::default().error_handler(|error, _| query(&error).into()))
        .default_service(web::to(nowhere));
}

/// A path that does not parse, as an extractor says it.
pub(super) fn bad_path(error: &actix_web::Error) -> Problem {
    error.as_error::<Problem>().cloned().unwrap_or_else(|| Code::NotFound.into())
}

async fn wrong_method(request: HttpRequest) -> Result<&'static str, Problem> {
    let detail = format!("{} has no {}", request.path(), request.method());
    Err(Problem::new(Code::MethodNotAllowed).detail(detail))
}

async fn nowhere(request: HttpRequest) -> Result<&'static str, Problem> {
    Err(Problem::new(Code::NotFound).detail(format!("there is nothing at {}", request.path())))
}

fn path(error: &PathError) -> Problem {
    Problem::new(Code::InvalidRequest).detail(format!("the path: {error}"))
}

fn query(error: &QueryPayloadError) -> Problem {
    Problem::new(Code::InvalidRequest).detail(format!("the query: {error}"))
}
