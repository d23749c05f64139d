//! The paths of the document are the routes of the app, and what it says of tokens and keys is so.

use std::collections::BTreeSet;
use std::path::Path;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::bounds::good;
use super::stage::{Documented, Stage, answer, documented};

/// The paths of all resources that the files of a folder make.
fn resources(folder: &Path) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let place = entry.unwrap().path();
        if place.is_dir() {
            paths.extend(resources(&place));
            continue;
        }
        let source = std::fs::read_to_string(&place).unwrap();
        let made = source.split("resource(\"").skip(1).filter_map(|rest| rest.split('"').next());
        paths.extend(made.map(str::to_owned));
    }
    paths
}

#[actix_web::test]
async fn every_resource_of_the_sources_is_a_path_of_the_document_and_every_path_a_resource() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let routed = &resources(&source.join("api")) | &resources(&source.join("stream"));
    let described = documented().await.into_iter().map(|operation| operation.path).collect();
    assert!(routed.len() > 20, "few resources were found: {routed:?}");
    assert_eq!(routed, described);
}

#[actix_web::test]
async fn without_a_token_every_operation_answers_with_a_status_that_it_documents() {
    let stage = Stage::new().await;
    for operation in documented().await {
        let (status, _) = stage.ask(&operation, &[]).await;
        let (path, method) = (&operation.path, &operation.method);
        assert!(operation.statuses().contains(&status.as_str()), "{method} {path}: {status}");
        assert_eq!(operation.needs_token(), status == StatusCode::UNAUTHORIZED, "{method} {path}: {status}");
    }
}

#[actix_web::test]
async fn a_malformed_key_is_refused_wherever_a_key_is_documented() {
    let stage = Stage::new().await;
    let bearer = format!("Bearer {}", stage.token().await);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "today")];
    for operation in documented().await.iter().filter(|operation| operation.takes_key()) {
        let (_, problem) = stage.ask(operation, &headers).await;
        assert_eq!(problem["code"], "key_malformed", "{} {}", operation.method, operation.path);
    }
}

#[actix_web::test]
async fn a_part_of_a_path_that_is_not_as_it_must_be_is_named() {
    let stage = Stage::new().await;
    let bearer = format!("Bearer {}", stage.token().await);
    let mut tried = 0;
    for operation in documented().await.iter().filter(|operation| operation.needs_token()) {
        let names = ["account", "category", "chat", "device", "seq"];
        for name in names.into_iter().filter(|name| operation.path.contains(&format!("{{{name}}}"))) {
            let request =
                TestRequest::with_uri(&operation.uri_with(name, "x")).method(operation.method.clone());
            let (status, problem) =
                stage.send(request.insert_header(("authorization", bearer.as_str()))).await;
            assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"invalid_request".into()));
            assert_eq!(problem["field"], name, "{} {}", operation.method, operation.path);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried} tries are few");
}

#[actix_web::test]
async fn a_query_that_an_operation_does_not_have_is_refused_by_its_name_after_the_token() {
    let stage = Stage::new().await;
    let bearer = format!("Bearer {}", stage.token().await);
    for operation in documented().await {
        let what = format!("{} {}", operation.method, operation.path);
        let ask = || {
            let request = TestRequest::with_uri(&format!("{}?colour=red", operation.uri()));
            let request = request.method(operation.method.clone());
            let has_body = operation.says.get("requestBody").is_some();
            if has_body { request.set_json(good(operation.name())) } else { request }
        };
        let (status, problem) = stage.send(ask().insert_header(("authorization", bearer.as_str()))).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::BAD_REQUEST, &"invalid_request".into()),
            "{what}"
        );
        assert_eq!(problem["field"], "colour", "{what}: {problem}");
        if operation.needs_token() {
            assert_eq!(stage.send(ask()).await.0, StatusCode::UNAUTHORIZED, "{what}");
        }
        if operation.method == Method::GET && !is_watched(&operation.path) {
            let head = ask().method(Method::HEAD);
            let (status, _) = stage.send(head.insert_header(("authorization", bearer.as_str()))).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "HEAD {}", operation.path);
        }
    }
}

#[actix_web::test]
async fn what_changes_something_or_opens_a_stream_is_not_done_for_a_request_that_came_as_early_data() {
    let stage = Stage::new().await;
    for operation in documented().await {
        let what = format!("{} {}", operation.method, operation.path);
        let early = operation.statuses().contains(&"425");
        assert_eq!(early, operation.method != Method::GET || is_watched(&operation.path), "{what}");
        for value in ["1", "", "perhaps"] {
            let (status, problem) = stage.ask(&operation, &[("early-data", value)]).await;
            assert_eq!(status.as_u16() == 425, early, "{what}: {problem}");
            assert_eq!(problem["code"] == "too_early", early, "{what}: {problem}");
        }
    }
    let bearer = format!("Bearer {}", stage.token().await);
    let profile = TestRequest::get().uri("/v1/profile").insert_header(("authorization", bearer.as_str()));
    let (status, _) = stage.send(profile.insert_header(("early-data", "1"))).await;
    assert_eq!(status, StatusCode::OK, "whoever only reads is answered");
}

#[actix_web::test]
async fn methods_that_are_not_documented_are_not_allowed() {
    let documented = documented().await;
    let has = |path: &str, method: &Method| {
        documented.iter().any(|other| other.path == path && other.method == *method)
    };
    for operation in &documented {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if !has(&operation.path, &method) {
                let request = TestRequest::with_uri(&operation.uri()).method(method.clone());
                let answer = answer(None, request).await;
                assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {}", operation.path);
                let allowed = answer.headers().get("allow").unwrap().to_str().unwrap();
                let allowed: BTreeSet<String> = allowed.split(", ").map(str::to_owned).collect();
                let methods = documented.iter().filter(|other| other.path == operation.path);
                let methods = methods.map(|other| other.method.to_string());
                assert_eq!(allowed, methods.chain(head(operation, &documented)).collect());
            }
        }
    }
}

/// Whether asking for it is more than a read: a stream, or a wait for news, replaces the device's stream.
fn is_watched(path: &str) -> bool {
    ["/v1/stream", "/v1/operations"].contains(&path)
}

/// `HEAD`, where `GET` is answered and changes nothing.
fn head(operation: &Documented, documented: &[Documented]) -> Option<String> {
    let is_read = |other: &Documented| other.path == operation.path && other.method == Method::GET;
    (!is_watched(&operation.path) && documented.iter().any(is_read)).then(|| "HEAD".to_owned())
}

#[actix_web::test]
async fn head_is_answered_as_get_is_where_that_is_but_a_read() {
    let stage = Stage::new().await;
    let bearer = format!("Bearer {}", stage.token().await);
    for operation in documented().await.iter().filter(|operation| operation.method == Method::GET) {
        let ask = |method| {
            let request = TestRequest::with_uri(&operation.uri()).method(method);
            stage.send(request.insert_header(("authorization", bearer.as_str())))
        };
        let (status, _) = ask(Method::HEAD).await;
        if is_watched(&operation.path) {
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        } else {
            assert_eq!(status, ask(Method::GET).await.0, "{}", operation.path);
        }
    }
}

#[actix_web::test]
async fn every_change_takes_a_key_but_for_those_that_are_retries_by_themselves() {
    let documented = documented().await;
    let unkeyed =
        documented.iter().filter(|operation| operation.method != Method::GET && !operation.takes_key());
    let paths: BTreeSet<&str> = unkeyed.map(|operation| operation.path.as_str()).collect();
    assert_eq!(paths, BTreeSet::from(["/v1/token", "/v1/sync", "/v1/ack"]));
    assert!(documented.iter().all(|operation| operation.method != Method::GET || !operation.takes_key()));
}
