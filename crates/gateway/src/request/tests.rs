//! What is told of bodies that are not as they must be.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use denrei_model::wire::account::ProfileDraft;
use denrei_model::wire::message::SendRequest;
use serde_json::json;

use super::*;

fn json_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers
}

async fn told(body: &[u8]) -> Problem {
    let payload = Payload::from(bytes::Bytes::copy_from_slice(body));
    let read: Result<ProfileDraft, Problem> = read(&json_headers(), payload, 100).await;
    read.expect_err("must be refused")
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_told_where() {
    for body in [&b""[..], b"{", b"{\"name\":\"a\"} x", b"\xff", b"nothing"] {
        let problem = told(body).await;
        assert_eq!(problem.code(), Code::MalformedJson, "{body:?}");
        assert!(problem.body()["detail"].as_str().unwrap().contains("line 1 column"), "{problem}");
    }
}

#[actix_web::test]
async fn fields_are_named_that_are_unknown_missing_of_another_type_or_out_of_bounds() {
    for (body, code, field) in [
        (json!({"name": "a", "nmae": 1}), Code::UnknownField, Some("nmae")),
        (json!({"name": 1}), Code::InvalidRequest, Some("name")),
        (json!({"name": ""}), Code::InvalidRequest, Some("name")),
        (json!({"name": " "}), Code::InvalidRequest, Some("name")),
        (json!({"name": "a\u{0}"}), Code::InvalidRequest, Some("name")),
        (json!({"picture": "p"}), Code::InvalidRequest, Some("name")),
        (json!([]), Code::InvalidRequest, None),
    ] {
        let problem = told(body.to_string().as_bytes()).await;
        assert_eq!(problem.code(), code, "{body}");
        assert_eq!(problem.body().get("field").and_then(|field| field.as_str()), field, "{body}");
    }
}

async fn sent(body: &serde_json::Value) -> Result<SendRequest, Problem> {
    let payload = Payload::from(bytes::Bytes::from(body.to_string()));
    read(&json_headers(), payload, 1_000).await
}

#[actix_web::test]
async fn an_array_is_no_object_however_its_values_would_fit() {
    for body in [json!(["a"]), json!(["a", null, null]), json!(["a", 1, 2, 3, 4, 5, 6])] {
        let problem = told(body.to_string().as_bytes()).await;
        assert_eq!(problem.code(), Code::InvalidRequest, "{body}");
    }
    let to = format!("U{}", "0".repeat(32));
    for (body, field) in [
        (json!([to, {"type": "text", "text": "a"}]), None),
        (json!({"to": to, "message": ["text", "a"]}), Some("message")),
        (
            json!({"to": to, "message": {"type": "text", "text": "a @b", "mentions": [[to, 2, 2]]}}),
            Some("message.mentions[0]"),
        ),
    ] {
        let problem = sent(&body).await.expect_err("must be refused");
        assert_eq!(problem.code(), Code::InvalidRequest, "{body}");
        assert_eq!(problem.body().get("field").and_then(|field| field.as_str()), field, "{problem}");
    }
    for (body, expected) in [
        (json!(5), "expected an object at"),
        (json!({"to": to, "message": 5}), "expected an object with `type` at"),
    ] {
        let problem = sent(&body).await.expect_err("must be refused");
        assert!(problem.to_string().contains(expected), "{problem}");
    }
    let mentions = json!([{"index": 2, "length": 2, "account": to}]);
    let whole = json!({"to": to, "message": {"type": "text", "text": "a @b", "mentions": mentions}});
    assert!(sent(&whole).await.is_ok());
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let long = json!({"name": "a".repeat(200)}).to_string();
    assert_eq!(told(long.as_bytes()).await.code(), Code::BodyTooLarge);
    let mut headers = json_headers();
    headers.insert(actix_web::http::header::CONTENT_LENGTH, HeaderValue::from_static("101"));
    let read: Result<ProfileDraft, Problem> = read(&headers, Payload::None, 100).await;
    assert_eq!(read.unwrap_err().code(), Code::BodyTooLarge);
}

#[actix_web::test]
async fn a_body_must_be_said_to_be_json_and_may_be_absent_where_there_is_nothing_to_say() {
    let body = || Payload::from(bytes::Bytes::from_static(b"{}"));
    let unsaid: Result<Nothing, Problem> = read(&HeaderMap::new(), body(), 100).await;
    assert_eq!(unsaid.unwrap_err().code(), Code::UnsupportedMediaType);
    assert_eq!(read(&json_headers(), body(), 100).await, Ok(Nothing {}));
    assert_eq!(read(&HeaderMap::new(), Payload::None, 100).await, Ok(Nothing {}));
}
