//! Problems in the document: the schema of one, and for each operation its codes, sorted by status.

use std::collections::{BTreeMap, BTreeSet};

use denrei_model::id::AccountId;
use denrei_model::wire::FullSync;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Components, ContentBuilder, Header, Ref, RefOr, Required, Response, ResponseBuilder};

use crate::problem::{Code, MEDIA_TYPE};

const NAME: &str = "Problem";
pub(super) const CODE: &str = "ProblemCode";

/// Adds the schemas of problems and of their codes.
pub(super) fn describe(components: &mut Components) {
    let codes = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What clients decide by; stable. Each has a page: `GET /problems/{code}`."))
        .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())));
    components.schemas.insert(CODE.to_owned(), codes.into());
    components.schemas.insert(NAME.to_owned(), problem().into());
}

fn problem() -> ObjectBuilder {
    let text = |description: &str| text(description).into();
    let reference = |name: &str, description: &str| -> RefOr<Schema> {
        RefOr::Ref(Ref::builder().ref_location_from_schema_name(name).description(Some(description)).build())
    };
    let members: [(&str, RefOr<Schema>); 9] = [
        ("type", text("The page of the code, `/problems/` and the code, relative to the node.")),
        ("title", text("What the code is about, for people; may be worded anew.")),
        ("status", number("The status of the answer.").into()),
        ("code", reference(CODE, "What clients decide by.")),
        ("detail", text("What happened this time, for people; may be worded anew.")),
        ("field", text("The path of the field that is not as it must be.")),
        ("limit", number("The bound that was passed.").into()),
        ("account", reference(&AccountId::name(), "The account that it is about.")),
        (
            "full_sync",
            reference(&FullSync::name(), "With `full_sync_required`: what to fetch, and where to go on."),
        ),
    ];
    let required = ["type", "title", "status", "code"];
    let members = members
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| object.property(name, schema));
    let object = required.into_iter().fold(members, ObjectBuilder::required);
    object.description(Some(
        "Why a request was not granted (RFC 9457). It may gain members, which clients pass over.",
    ))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).description(Some(description))
}

/// Replaces the codes that the handler names by one answer for each status, with those that follow from its kind. Operations
/// share answers; each is named after its codes. `may_bring` says whether a body is read if there is one.
pub(super) fn sort(operation: &mut Operation, may_bring: bool, components: &mut Components) {
    let mut codes = of_its_kind(operation, may_bring);
    operation.responses.responses.retain(|status, _| {
        let code = Code::of(status);
        codes.extend(code);
        code.is_none()
    });
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let name = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join("-");
        let answer = RefOr::Ref(Ref::from_response_name(name.as_str()));
        components.responses.entry(name).or_insert_with(|| RefOr::T(answer_with(status, &codes)));
        operation.responses.responses.insert(status.to_string(), answer);
    }
}

/// The codes that any request of this kind may be answered with.
fn of_its_kind(operation: &Operation, may_bring: bool) -> BTreeSet<Code> {
    // Without security of its own, it has that of the whole document: a device token.
    let secured = operation.security.is_none();
    let has_body = operation.request_body.is_some();
    let (mut has_key, mut needs_key) = (false, false);
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.parameter_in == ParameterIn::Header {
            has_key = true;
            needs_key |= parameter.required == Required::True;
        }
    }
    // Whoever brings a token or a body asks an entity for something; all others are answered by the node itself.
    let asks = secured || has_body;
    let kinds: [(bool, &[Code]); 6] = [
        (secured, &[Code::Unauthorized, Code::TokenExpired, Code::TokenRevoked, Code::ForbiddenRealm]),
        (asks, &[Code::RateLimited, Code::Overloaded, Code::Unavailable, Code::Internal]),
        (
            may_bring,
            &[
                Code::MalformedJson,
                Code::UnknownField,
                Code::BodyTooLarge,
                Code::UnsupportedMediaType,
                Code::TooEarly,
            ],
        ),
        // Whatever is asked for, a query that it does not have is refused.
        (true, &[Code::InvalidRequest]),
        (has_key, &[Code::KeyMalformed, Code::KeyReused, Code::KeyExpired, Code::KeyFuture]),
        (needs_key, &[Code::KeyRequired]),
    ];
    kinds.into_iter().filter(|(is, _)| *is).flat_map(|(_, codes)| codes).copied().collect()
}

fn answer_with(status: u16, codes: &[Code]) -> Response {
    let lines: Vec<String> =
        codes.iter().map(|code| format!("- `{}`: {}.", code.as_str(), code.title())).collect();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.iter().map(|code| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(NAME))
        .item(ObjectBuilder::new().property("code", code).required("code"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let answer = ResponseBuilder::new().description(lines.join("\n")).content(MEDIA_TYPE, content);
    let answer = match status {
        401 => answer.header("WWW-Authenticate", Header::new(text("Which token is needed (RFC 6750)."))),
        429 | 503 => {
            answer.header("Retry-After", Header::new(number("Seconds to wait before the next attempt.")))
        }
        _ => answer,
    };
    answer.build()
}
