//! Parameters that many operations share: what the names in braces of paths stand for, and the `Idempotency-Key`.

use denrei_model::id::{AccountId, ChatId, DeviceId};
use denrei_model::idempotency::{MAX_KEY_BYTES, MIN_KEY_BYTES};
use denrei_model::operation::Category;
use denrei_model::operation::person::MAX_SETTING_KEY_BYTES;
use denrei_model::position::Seq;
use denrei_model::wire::account::{MAX_HANDLE_BYTES, MIN_HANDLE_BYTES};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Components, PathItem, Ref, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::problem::CODE;

/// The `Idempotency-Key` of requests that may go without one.
pub(crate) struct Key;
/// The `Idempotency-Key` of requests that need one.
pub(crate) struct RequiredKey;

const KEY: &str = "Idempotency-Key";
const KEY_DOC: &str = "Names this very request, to be repeated with every retry of it: it is done once, and every retry is \
    answered as the first was, for 48 hours. The form is `yyyymmdd-…`, the day being the server's (`date` of frames, or \
    the header `Date`); a key of a day before yesterday is refused. Without a key nothing keeps a retry from being done twice.";

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key(Required::False)]
    }
}

impl IntoParams for RequiredKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key(Required::True)]
    }
}

fn key(required: Required) -> Parameter {
    let schema = text("^[0-9]{8}-[A-Za-z0-9._:-]+$", MIN_KEY_BYTES, MAX_KEY_BYTES);
    ParameterBuilder::new()
        .name(KEY)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(KEY_DOC))
        .schema(Some(schema))
        .build()
}

fn text(pattern: &str, least: usize, most: usize) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.min_length(Some(least)).max_length(Some(most))
}

/// Has a path say what the names in its braces stand for. A name that is not known here is not described: a test finds it.
pub(super) fn name(path: &str, item: &mut PathItem, components: &mut Components) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut references = Vec::new();
    for name in names {
        if let Some(parameter) = in_path(name) {
            references.push(RefOr::Ref(reference(name)));
            components.parameters.entry(name.to_owned()).or_insert(RefOr::T(parameter));
        }
    }
    item.parameters = Some(references).filter(|references| !references.is_empty());
}

fn in_path(name: &str) -> Option<Parameter> {
    let of = |name: &str| -> RefOr<Schema> { Ref::from_schema_name(name).into() };
    let (schema, description) = match name {
        "account" => (of(&AccountId::name()), "Which account."),
        "category" => (of(&Category::name()), "Which category."),
        "chat" => (of(&ChatId::name()), "Which chat."),
        "code" => (of(CODE), "Which code."),
        "device" => (of(&DeviceId::name()), "Which device."),
        "handle" => (text("^[a-z][a-z0-9_.]*$", MIN_HANDLE_BYTES, MAX_HANDLE_BYTES).into(), "Which handle."),
        "key" => (text("^[A-Za-z0-9._-]+$", 1, MAX_SETTING_KEY_BYTES).into(), "Which setting."),
        "seq" => (of(&Seq::name()), "Which message, by its place in the chat."),
        _ => return None,
    };
    let parameter =
        ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    Some(parameter.description(Some(description)).schema(Some(schema)).build())
}

/// Has an operation refer to the one description of its key.
pub(super) fn share_key(operation: &mut Operation, components: &mut Components) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(own) = parameter else { continue };
        if own.name == KEY {
            let shared =
                if own.required == Required::True { "required-idempotency-key" } else { "idempotency-key" };
            components.parameters.entry(shared.to_owned()).or_insert_with(|| RefOr::T(own.clone()));
            *parameter = RefOr::Ref(reference(shared));
        }
    }
}

fn reference(parameter: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{parameter}"))
}
