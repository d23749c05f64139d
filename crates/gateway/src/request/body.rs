//! Bodies: JSON in UTF-8, of a bounded size, without fields that the request does not have.

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use crate::problem::{Code, Problem};

/// What a request may say.
pub trait Body: DeserializeOwned + Serialize + 'static {
    /// What an absent body stands for; none where there must be one.
    fn absent() -> Option<Self> {
        None
    }

    /// Refuses what is out of bounds.
    ///
    /// # Errors
    /// The first field that is.
    fn check(&self) -> Result<(), Problem>;
}

/// The body of requests that have nothing to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Body for Nothing {
    fn absent() -> Option<Self> {
        Some(Self {})
    }

    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Reads a body.
pub async fn read<T: Body>(headers: &HeaderMap, payload: Payload, limit: usize) -> Result<T, Problem> {
    let bytes = bytes(headers, payload, limit).await?;
    if bytes.is_empty()
        && let Some(absent) = T::absent()
    {
        return Ok(absent);
    }
    if !is_json(headers) {
        return Err(
            Problem::new(Code::UnsupportedMediaType).detail("expected Content-Type: application/json")
        );
    }
    let body: T = parse(&bytes)?;
    body.check()?;
    Ok(body)
}

async fn bytes(headers: &HeaderMap, mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body may have at most {limit} bytes");
        Problem::new(Code::BodyTooLarge).detail(detail).with("limit", limit)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Code::MalformedJson).detail(error.to_string()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn is_json(headers: &HeaderMap) -> bool {
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|value| value == "identity");
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|value| value.split(';').next()).map(str::trim);
    plain && kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

fn parse<T: Body>(bytes: &[u8]) -> Result<T, Problem> {
    let body: T = serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))?;
    if bytes.contains(&b'[') {
        let of_json = |error: serde_json::Error| faulty(&error, ".");
        let (said, meant) = (serde_json::from_slice(bytes).map_err(of_json)?, serde_json::to_value(&body));
        if let Some(place) = array_for_object(&said, &meant.map_err(of_json)?, ".") {
            return Err(not_an_object(&place));
        }
    }
    Ok(body)
}

/// What is wrong with a body that gave this error, and where: it is read once more, with an eye on the way.
fn explain<T: Body>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let is_json = || serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(traced) => {
            let (field, error) = (traced.path().to_string(), traced.inner());
            // An array with too many values for an object's fields is JSON all the same.
            if !error.is_data() && is_json() { not_an_object(&field) } else { faulty(error, &field) }
        }
        // Something follows the body.
        Ok(_) => faulty(error, "."),
    }
}

/// Where an array stands for an object: serde takes its values for the fields in their order, which nobody else can know.
fn array_for_object(said: &Value, meant: &Value, at: &str) -> Option<String> {
    let below = |name: &str| if at == "." { name.to_owned() } else { format!("{at}.{name}") };
    match (said, meant) {
        (Value::Array(_), Value::Object(_)) => Some(at.to_owned()),
        (Value::Object(said), Value::Object(meant)) => {
            said.iter().find_map(|(name, value)| array_for_object(value, meant.get(name)?, &below(name)))
        }
        (Value::Array(said), Value::Array(meant)) => said
            .iter()
            .zip(meant)
            .enumerate()
            .find_map(|(index, (said, meant))| array_for_object(said, meant, &format!("{at}[{index}]"))),
        _ => None,
    }
}

fn not_an_object(field: &str) -> Problem {
    let problem = Problem::new(Code::InvalidRequest).detail("expected an object");
    if field == "." { problem } else { problem.with("field", field) }
}

fn faulty(error: &serde_json::Error, field: &str) -> Problem {
    let detail = plain(error.to_string());
    match error.classify() {
        Category::Io | Category::Syntax | Category::Eof => Problem::new(Code::MalformedJson).detail(detail),
        Category::Data if detail.starts_with("unknown field") => {
            Problem::new(Code::UnknownField).detail(detail).with("field", field)
        }
        Category::Data => match (field, named(&detail).map(str::to_owned)) {
            (".", None) => Problem::new(Code::InvalidRequest).detail(detail),
            (".", Some(name)) => Problem::new(Code::InvalidRequest).detail(detail).with("field", name),
            (_, None) => Problem::new(Code::InvalidRequest).detail(detail).with("field", field),
            (_, Some(name)) => {
                Problem::new(Code::InvalidRequest).detail(detail).with("field", format!("{field}.{name}"))
            }
        },
    }
}

/// Without the names that types have here.
fn plain(detail: String) -> String {
    for (ours, theirs) in
        [("expected struct ", "an object"), ("expected internally tagged enum ", "an object with `type`")]
    {
        if let Some((before, name)) = detail.split_once(ours) {
            let rest = name.find(' ').and_then(|end| name.get(end..)).unwrap_or_default();
            return format!("{before}expected {theirs}{rest}");
        }
    }
    detail
}

/// The field that is missing, or there twice: the path ends at what lacks it.
fn named(detail: &str) -> Option<&str> {
    let rest = detail.strip_prefix("missing field `").or_else(|| detail.strip_prefix("duplicate field `"))?;
    rest.split('`').next()
}
