//! Paths: a resource tells callers when it has no such method, and paths and queries that do not parse are told why.

use actix_web::error::PathError;
use actix_web::web::{self, PathConfig, ServiceConfig};
use actix_web::{HttpRequest, Resource};
use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::operation::Category;

use crate::problem::{Code, Problem};

/// A path whose other methods are told `method_not_allowed`.
pub(crate) fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

/// What all routes of an app have in common.
pub(crate) fn common(routes: &mut ServiceConfig) {
    routes
        .app_data(PathConfig::default().error_handler(|error, request| path(&error, request).into()))
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

/// Says which part of a path is not as it must be.
fn path(error: &PathError, request: &HttpRequest) -> Problem {
    let PathError::Deserialize(error) = error else { return Code::InvalidRequest.into() };
    let problem = Problem::new(Code::InvalidRequest).detail(format!("the path: {error}"));
    match request.match_info().iter().find(|(name, value)| !is_good(name, value)) {
        Some((name, _)) => problem.with("field", name),
        None => problem,
    }
}

/// Whether a part of a path can be what its name says.
fn is_good(name: &str, value: &str) -> bool {
    match name {
        "account" => value.parse::<AccountId>().is_ok(),
        "chat" => value.parse::<ChatId>().is_ok(),
        "device" => value.parse::<DeviceId>().is_ok(),
        "seq" => value.parse::<u64>().is_ok(),
        "shard" => value.parse::<u16>().is_ok(),
        "category" => Category::ALL.iter().any(|category| category.as_str() == value),
        _ => true,
    }
}
