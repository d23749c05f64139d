//! The OpenAPI document of what devices may ask for: made from the types, and from what each handler says of itself.
//!
//! ```text
//! types:    ToSchema                ─┐
//! handlers: path(…), refused::<Code> ─┼─► Paths of api and stream ─► finish ─► GET /openapi.json, docs/openapi.json
//!                                     │                                │
//!                                     └ each says what is its own      └ what holds for all: parameters, problems, examples
//! ```
//!
//! A handler names what is its own: its body, its answer, the codes with which its entity refuses. What follows from the
//! kind of a request (a token, a body, a key, a query) is added here, once.

mod absence;
mod bound;
mod example;
mod parameter;
mod problem;
pub(crate) mod refused;
mod schema;

#[cfg(test)]
mod tests;

use actix_web::http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, PathItem, RefOr};

pub(crate) use parameter::{Key, RequiredKey};
pub(crate) use schema::SnapshotAnswer;

/// Adds what holds for all operations to what the handlers say of theirs.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    problem::describe(components);
    secure(components);
    for (path, item) in &mut document.paths.paths {
        parameter::name(path, item, components);
        let reads = item.get.is_some().then_some(false);
        for (operation, may_bring) in operations(item).zip(reads.into_iter().chain(std::iter::repeat(true))) {
            problem::sort(operation, may_bring, components);
            parameter::share_key(operation, components);
            describe_answers(operation);
        }
    }
    absence::hold(&mut document);
    bound::tell(&mut document);
    example::give(&mut document);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Every answer has a description; where the handler has nothing to add, that of its status.
fn describe_answers(operation: &mut Operation) {
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            let reason =
                StatusCode::from_bytes(status.as_bytes()).ok().and_then(|status| status.canonical_reason());
            answer.description = reason.unwrap_or("The answer").to_owned();
        }
    }
}

fn secure(components: &mut Components) {
    let bearer = |description: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        SecurityScheme::Http(scheme)
    };
    let device = "The access token of a device, from `POST /v1/register`, `/v1/devices/link` or `/v1/token`.";
    components.add_security_scheme("device", bearer(device));
    components.add_security_scheme("admin", bearer("The admin token of the operator."));
}
