//! `GET /openapi.json`: what devices may ask for, as OpenAPI 3.1. `docs/openapi.json` is the same, and a test holds it so.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::OpenApi;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Content, HttpMethod, ObjectBuilder, PathItem, RefOr, ResponseBuilder, ResponsesBuilder,
};

use super::{chat, connection_info, contact, device, message, person};
use crate::openapi::{finish, refused};
use crate::problem::{Code, Problem};
use crate::stream;

/// Made when it is first asked for.
static TEXT: LazyLock<Result<String, serde_json::Error>> = LazyLock::new(|| document().to_pretty_json());

/// What the handlers of this module say of themselves, and what there is to say of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "denrei device API",
        description = "What devices ask of a denrei node. Bodies are JSON in UTF-8; fields are `snake_case`; times are \
            milliseconds since the epoch; what is not there is absent, never `null`. Requests refuse fields that they do \
            not have; answers may gain fields, which clients pass over. What is not granted is told as a problem \
            (RFC 9457), whose `code` is stable. Every change takes an `Idempotency-Key`."
    ),
    paths(
        get,
        connection_info::get,
        device::register::register, device::renew::renew, device::revoke::log_out, device::revoke::revoke,
        device::list::list, device::link::offer, device::link::link,
        person::profile::own, person::profile::update, person::handle::claim, person::handle::release,
        person::find::by_id, person::find::by_handle, person::setting::set, person::setting::clear,
        person::setting::set_device, person::setting::clear_device,
        contact::put::put, contact::remove::remove, contact::block::block, contact::block::unblock,
        chat::create::create, chat::show::show, chat::update::update, chat::invite::invite, chat::answer::accept,
        chat::answer::reject, chat::join::join, chat::leave::leave, chat::remove::remove, chat::read::mark,
        message::send::send, message::history::list, message::unsend::unsend, message::react::react,
        message::react::take_back,
    ),
    security(("device" = [])),
    tags(
        (name = "node", description = "What a node tells anybody."),
        (name = "devices", description = "Registration, devices and their tokens."),
        (name = "sync", description = "How a device follows its account's log of operations."),
        (name = "people", description = "Profile, handle, settings; finding others."),
        (name = "contacts", description = "Whom one knows, likes and blocks."),
        (name = "chats", description = "Groups, who is in them, and how far a chat is read."),
        (name = "messages", description = "Sending, taking back, reacting, reading back."),
    )
)]
struct Paths;

/// The whole document.
fn document() -> utoipa::openapi::OpenApi {
    let mut document = Paths::openapi().merge_from(stream::Paths::openapi());
    document.paths.paths.insert("/problems/{code}".to_owned(), problem_page());
    finish(document)
}

/// Gives this document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi", tag = "node",
    security(()),
    responses((status = 200, body = Object)),
)]
pub(super) async fn get() -> Result<HttpResponse, Problem> {
    let text = TEXT.as_ref().map_err(|_| Code::Internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text.as_str()))
}

/// What `problem::page` would say of itself, if problems knew of the document, which is made of them.
fn problem_page() -> PathItem {
    let text =
        Content::new(Some(RefOr::T(ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).into())));
    let page =
        ResponseBuilder::new().description("What happened, and what to do.").content("text/markdown", text);
    let responses =
        ResponsesBuilder::new().response("200", page).responses_from_into_responses::<refused::NotFound>();
    let operation = OperationBuilder::new()
        .operation_id(Some("problem_page"))
        .tag("node")
        .summary(Some("Explains a code."))
        .security(SecurityRequirement::default())
        .responses(responses.build());
    PathItem::new(HttpMethod::Get, operation)
}
