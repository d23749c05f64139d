//! Bounds: what the document allows is taken, one more or less is refused by name; and nothing that is sent has none.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use denrei_model::id::{AccountId, LogId};
use serde_json::{Map, Value, json};

use super::stage::{ADMIN, Documented, Stage, document, documented};
use crate::options::GatewayOptions;
use crate::registration::Mode;

/// Texts that have no bound of their own but that of the body: what they must be was made by the node or the operator.
const UNBOUNDED: [&str; 3] = ["token", "refresh_token", "resume_token"];
/// Codes that say that something is not of its form.
const FORM: [&str; 3] = ["invalid_request", "handle_malformed", "key_malformed"];

/// A field of a body: where it is, and its schema.
type Field = (Vec<String>, Value);
/// What is so long, so many or so large.
type Valued<'a> = &'a dyn Fn(usize) -> Value;

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The fields of a body that are no objects.
fn fields(document: &Value, schema: &Value, at: &[String]) -> Vec<Field> {
    let schema = resolved(document, schema);
    let mut found = Vec::new();
    for item in schema["oneOf"].as_array().into_iter().flatten() {
        found.extend(fields(document, item, at));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let at = [at, std::slice::from_ref(name)].concat();
        let inner = fields(document, field, &at);
        if inner.is_empty() {
            found.push((at, resolved(document, field).clone()));
        } else {
            found.extend(inner);
        }
    }
    found
}

fn body_fields(document: &Value, operation: &Documented) -> Vec<Field> {
    let schema = &operation.says["requestBody"]["content"]["application/json"]["schema"];
    fields(document, schema, &[])
}

/// A body that is taken, of every operation.
pub(super) fn good(operation: &str) -> Value {
    let device = json!({"name": "phone", "platform": "ios"});
    let cony = AccountId::derived("bounds", &[b"cony"]);
    match operation {
        "register" => json!({"name": "Brown", "device": device, "external_id": "7"}),
        "link_device" => json!({"code": "ABCDEFGH", "device": device}),
        "update_profile" => json!({"name": "Brown"}),
        "claim_handle" => json!({"handle": "brown"}),
        "set_setting" | "set_device_setting" => json!({"value": 1}),
        "create_chat" => json!({"name": "Picnic", "invite": []}),
        "update_chat" => json!({"name": "Picnic"}),
        "invite" => json!({"accounts": [cony]}),
        "send_message" => json!({"to": cony, "message": {"type": "text", "text": "Hello"}}),
        "react" => json!({"emoji": "👍"}),
        "mark_read" => json!({"seq": 1}),
        "renew_tokens" => json!({"refresh_token": "a"}),
        "ack" => json!({"log_id": LogId::default(), "revision": 0, "tag": "0".repeat(16)}),
        _ => json!({}),
    }
}

fn text(field: &str, length: usize) -> String {
    let (start, filler) = match field {
        "picture" if length > 0 => ("https://a.example/", "a"),
        "code" if length >= 8 => ("ABCDEFGH", "-"),
        "Idempotency-Key" => ("20261124-", "a"),
        _ => ("", "a"),
    };
    format!("{start}{}", filler.repeat(length.saturating_sub(start.len())))
}

fn list(field: &str, length: usize) -> Value {
    let account = |number: usize| AccountId::derived("bounds", &[&number.to_be_bytes()]);
    (0..length)
        .map(|number| match field {
            "mentions" => json!({"account": account(number), "index": 0, "length": 1}),
            _ => json!(account(number)),
        })
        .collect()
}

/// What a schema's bounds are tried with, and whether it keeps them.
fn tries(field: &str, schema: &Value) -> Vec<(Value, bool)> {
    let of = |name: &str| schema[name].as_u64().map(|number| usize::try_from(number).unwrap());
    let all: [(&str, &str, Valued<'_>); 3] = [
        ("minLength", "maxLength", &|length| text(field, length).into()),
        ("minItems", "maxItems", &|length| list(field, length)),
        ("minimum", "maximum", &|number| number.into()),
    ];
    let mut tries = Vec::new();
    for (least, most, value) in all {
        let Some(most) = of(most) else { continue };
        tries.extend([(value(most), true), (value(most + 1), false)]);
        if let Some(least) = of(least) {
            tries.extend([(value(least), true), (value(least - 1), false)]);
        }
    }
    tries
}

fn with(mut body: Value, at: &[String], value: Value) -> Value {
    let (last, path) = at.split_last().unwrap();
    let object = path.iter().fold(&mut body, |object, name| &mut object[name]);
    object[last] = value;
    body
}

/// A node on which anybody may register, and one on which only the operator's server may.
struct Asker {
    open: Stage,
    served: Stage,
}

impl Asker {
    async fn new() -> Self {
        let mut options = GatewayOptions::default();
        options.registration.mode = Mode::Server;
        Self { open: Stage::new().await, served: Stage::with(options).await }
    }

    /// What a field is refused for, asked by somebody new, if its form is what the request is refused for.
    async fn refusal(&self, operation: &Documented, field: &str, request: TestRequest) -> Option<Value> {
        let registers = operation.path == "/v1/register";
        let (stage, token) =
            if registers { (&self.served, ADMIN.to_owned()) } else { (&self.open, self.open.token().await) };
        let bearer = ("authorization", format!("Bearer {token}"));
        let (_, problem) = stage.send(request.insert_header(bearer)).await;
        let of_form = FORM.iter().any(|code| problem["code"] == *code);
        let named = problem["code"] == "key_malformed" || problem["field"] == field;
        (of_form && named).then_some(problem)
    }
}

fn request(operation: &Documented, uri: &str) -> TestRequest {
    let request = TestRequest::with_uri(uri).method(operation.method.clone());
    let has_body = operation.says.get("requestBody").is_some();
    if has_body { request.set_json(good(operation.name())) } else { request }
}

#[actix_web::test]
async fn every_bounded_field_of_a_body_is_taken_at_its_bound_and_refused_by_name_beyond() {
    let (document, asker) = (document().await, Asker::new().await);
    let mut tried = 0;
    for operation in documented().await {
        for (at, schema) in body_fields(&document, &operation) {
            for (value, fits) in tries(at.last().unwrap(), &schema) {
                let (body, field) = (with(good(operation.name()), &at, value.clone()), at.join("."));
                // A fresh key where the id of what is made comes of it.
                let key = format!("20261124-bounds-{tried}");
                let request = request(&operation, &operation.uri()).set_json(body);
                let request = request.insert_header(("idempotency-key", key));
                let refused = asker.refusal(&operation, &field, request).await;
                assert_eq!(refused.is_none(), fits, "{} {field}: {value} {refused:?}", operation.name());
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried} tries are few");
}

#[actix_web::test]
async fn every_bounded_parameter_is_taken_at_its_bound_and_refused_beyond() {
    let (document, asker) = (document().await, Asker::new().await);
    let mut tried = 0;
    for operation in documented().await {
        let own = operation.says["parameters"].as_array().into_iter().flatten();
        let of_path = document["paths"][&operation.path]["parameters"].as_array().into_iter().flatten();
        for parameter in own.chain(of_path) {
            let parameter = resolved(&document, parameter);
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            for (value, fits) in tries(name, &parameter["schema"]) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let asked = match place {
                    "query" => request(&operation, &format!("{}?{name}={text}", operation.uri())),
                    "path" if text.is_empty() => continue,
                    "path" => request(&operation, &operation.uri_with(name, &text)),
                    _ => request(&operation, &operation.uri()).insert_header((name, text)),
                };
                let refused = asker.refusal(&operation, name, asked).await;
                assert_eq!(refused.is_none(), fits, "{} {name}: {value} {refused:?}", operation.name());
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried} tries are few");
}

#[actix_web::test]
async fn no_text_and_no_list_that_is_sent_is_without_a_bound() {
    let document = document().await;
    let bounded = |schema: &Map<String, Value>| {
        ["maxLength", "maxItems", "pattern", "enum"].iter().any(|keyword| schema.contains_key(*keyword))
    };
    for operation in documented().await.iter().filter(|operation| operation.method != Method::GET) {
        for (at, schema) in body_fields(&document, operation) {
            let kind = schema["type"].as_str().unwrap_or("string");
            let name = at.last().unwrap().as_str();
            // Of several kinds, each is looked at by itself.
            let free = schema.get("oneOf").is_some() || !["string", "array"].contains(&kind);
            let known = free || UNBOUNDED.contains(&name) || bounded(schema.as_object().unwrap());
            assert!(known, "{} has no bound for {}: {schema}", operation.name(), at.join("."));
        }
    }
}
