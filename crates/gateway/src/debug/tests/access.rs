//! Who may look at what.

use std::sync::atomic::Ordering;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

use super::stage::{ADMIN, Stage, account, device};
use crate::problem::MEDIA_TYPE;
use crate::token::{DeviceToken, TokenKind};

fn guarded() -> Vec<String> {
    let (account, device) = (account(1), device(1));
    vec![
        "/debug/node".to_owned(),
        "/debug/shards".to_owned(),
        "/debug/shards/0".to_owned(),
        format!("/debug/accounts/{account}"),
        format!("/debug/accounts/{account}/operations"),
        "/debug/chats/C00000000000000000000000000000001".to_owned(),
        format!("/debug/devices/{account}/{device}"),
        "/debug/handles/brown".to_owned(),
        "/debug/streams".to_owned(),
        "/debug/accounts/malformed".to_owned(),
        "/debug/streams?limit=malformed".to_owned(),
    ]
}

#[actix_web::test]
async fn no_page_is_shown_to_whoever_does_not_present_the_admin_token() {
    let stage = Stage::new(1).await;
    let token = |kind| {
        let key = &stage.debug.gateway.key;
        DeviceToken::derive(key, kind, (account(1), device(1)), &[1; 16], 0).to_text()
    };
    let foreign = [
        (None, StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some("Bearer ".to_owned()), StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some("Bearer somebody".to_owned()), StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some(format!("Basic {ADMIN}")), StatusCode::UNAUTHORIZED, "unauthorized"),
        (Some(format!("Bearer {}", token(TokenKind::Access))), StatusCode::FORBIDDEN, "forbidden_realm"),
        (Some(format!("Bearer {}", token(TokenKind::Refresh))), StatusCode::FORBIDDEN, "forbidden_realm"),
    ];
    for path in guarded() {
        for (authorization, status, code) in &foreign {
            let request = TestRequest::get().uri(&path);
            let request = authorization
                .iter()
                .fold(request, |request, value| request.insert_header(("authorization", value.as_str())));
            let told = stage.send(request).await;
            assert_eq!(told.status, *status, "{path} for {authorization:?}");
            assert_eq!(told.media_type, MEDIA_TYPE, "{path}");
            assert_eq!(told.json()["code"], *code, "{path} for {authorization:?}");
        }
    }
}

#[actix_web::test]
async fn without_an_admin_token_set_nobody_may_look() {
    let mut stage = Stage::new(0).await;
    let mut options = (*stage.debug.gateway.options).clone();
    options.admin_token = None;
    stage.debug.gateway.options = options.into();
    assert_eq!(stage.ask("/debug/node").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn health_readiness_and_figures_are_told_to_everybody() {
    let stage = Stage::new(0).await;
    for path in ["/healthz", "/readyz", "/metrics", "/healthz?from=balancer", "/metrics?module=denrei"] {
        let told = stage.send(TestRequest::get().uri(path)).await;
        assert_eq!(told.status, StatusCode::OK, "{path}");
    }
    stage.ready.store(false, Ordering::Release);
    let told = stage.send(TestRequest::get().uri("/readyz")).await;
    assert_eq!((told.status, &*told.media_type), (StatusCode::SERVICE_UNAVAILABLE, MEDIA_TYPE));
    assert_eq!(stage.send(TestRequest::get().uri("/healthz")).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn whatever_is_no_page_and_no_id_is_told_so() {
    let stage = Stage::new(1).await;
    let (account, device) = (account(1), device(1));
    for (path, status, code) in [
        ("/debug/nowhere".to_owned(), 404, "not_found"),
        ("/nowhere".to_owned(), 404, "not_found"),
        ("/debug/shards/4".to_owned(), 404, "not_found"),
        ("/debug/shards/-1".to_owned(), 400, "invalid_request"),
        (format!("/debug/accounts/{device}"), 400, "invalid_request"),
        (format!("/debug/accounts/{}", super::stage::account(9)), 404, "not_found"),
        (format!("/debug/accounts/{}/operations", super::stage::account(9)), 404, "not_found"),
        (format!("/debug/accounts/{account}/operations?from=x"), 400, "invalid_request"),
        (format!("/debug/accounts/{account}/operations?limit=0"), 400, "invalid_request"),
        (format!("/debug/accounts/{account}/operations?limit=1001"), 400, "invalid_request"),
        (format!("/debug/accounts/{account}/operations?form=1"), 400, "invalid_request"),
        (format!("/debug/chats/{account}"), 400, "invalid_request"),
        ("/debug/chats/C00000000000000000000000000000001".to_owned(), 404, "not_found"),
        (format!("/debug/devices/{account}/{account}"), 400, "invalid_request"),
        (format!("/debug/devices/{account}/{}", super::stage::device(9)), 404, "not_found"),
        ("/debug/handles/brown".to_owned(), 404, "not_found"),
        ("/debug/handles/link:brown".to_owned(), 400, "handle_malformed"),
        ("/debug/streams?account=brown".to_owned(), 400, "invalid_request"),
        ("/debug/streams?limit=-1".to_owned(), 400, "invalid_request"),
        ("/debug/shards?shard=1".to_owned(), 400, "invalid_request"),
        (format!("/debug/accounts/{account}?limit=1"), 400, "invalid_request"),
    ] {
        let told = stage.ask(&path).await;
        assert_eq!(told.status.as_u16(), status, "{path}: {}", told.body);
        assert_eq!(told.media_type, MEDIA_TYPE, "{path}");
        assert_eq!(told.json()["code"], code, "{path}");
        assert!(told.json()["detail"].is_string(), "{path}: {}", told.body);
        let page = told.json()["type"].as_str().unwrap().to_owned();
        assert_eq!(stage.ask(&page).await.status, StatusCode::OK, "{page}");
    }
    let bearer = ("authorization", format!("Bearer {ADMIN}"));
    let told = stage.send(TestRequest::post().uri("/debug/node").insert_header(bearer)).await;
    assert_eq!(told.json()["code"], "method_not_allowed");
}

#[actix_web::test]
async fn who_looks_after_health_may_ask_for_the_head_alone() {
    let stage = Stage::new(0).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let told = stage.send(TestRequest::default().method(Method::HEAD).uri(path)).await;
        assert_eq!(told.status, StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn an_id_of_another_kind_is_told_what_was_expected() {
    let stage = Stage::new(0).await;
    let told = stage.ask(&format!("/debug/chats/{}", account(1))).await.json();
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("expected `C` followed by 32 lower-case hex digits"), "{detail}");
}
