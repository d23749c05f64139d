//! Streams as their hub has them.

use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use serde_json::{Value, json};

use super::stage::{Stage, account, device, until};
use crate::stream::{self, Hub};
use crate::token::{DeviceToken, TokenKind};

#[actix_web::test]
async fn open_streams_are_listed_all_of_them_or_those_of_an_account() {
    let stage = Stage::new(2).await;
    let gateway = &stage.debug.gateway;
    let hub = Hub::start(gateway, &stage.debug.hubs);
    let app = App::new().app_data(Data::new(gateway.clone())).app_data(hub).configure(stream::configure);
    let app = init_service(app).await;
    let mut open = Vec::new();
    for number in [1, 2] {
        let ids = (account(number), device(number));
        let token = DeviceToken::derive(&gateway.key, TokenKind::Access, ids, &[number; 16], 0).to_text();
        let bearer = ("authorization", format!("Bearer {token}"));
        let request = TestRequest::get().uri(&at_head(&stage, number).await).insert_header(bearer);
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    let all = until(async || {
        let page = stage.page("/debug/streams").await;
        let known = stage.page("/debug/node").await["streams"] == 2;
        (page["open"] == 2 && known).then_some(page)
    });
    let all = all.await;
    assert_eq!(streams(&all), [json!(account(1)), json!(account(2))]);
    let path = format!("/debug/streams?account={}", account(2));
    let of_one = stage.page(&path).await;
    assert_eq!((&of_one["open"], &of_one["matching"]), (&json!(2), &json!(1)));
    assert_eq!(streams(&of_one), [json!(account(2))]);
    let first = stage.page("/debug/streams?limit=1").await;
    assert_eq!((&first["matching"], streams(&first)), (&json!(2), vec![json!(account(1))]));
    assert_eq!((&first["more"], &all["more"]), (&json!(true), &json!(false)));
    let after = format!("/debug/streams?limit=1&after={}", first["streams"][0]["stream"]);
    stage.clock.advance(Duration::from_secs(3));
    let second = stage.page(&after).await;
    assert_eq!((&second["more"], streams(&second)), (&json!(false), vec![json!(account(2))]));
    assert!(second["streams"][0]["age_ms"].as_u64().is_some_and(|age| age >= 3_000), "{second}");
    let device_page = stage.page(&format!("/debug/devices/{}/{}", account(2), device(2))).await;
    assert_eq!(device_page["whereabouts"]["entity"]["sessions"][0]["device"], json!(device(2)));
}

/// A stream that goes on from the head: one that comes with nothing would be sent to the snapshots.
async fn at_head(stage: &Stage, number: u8) -> String {
    let page = stage.page(&format!("/debug/accounts/{}", account(number))).await;
    let part =
        |name| page["head"][name].as_str().map_or_else(|| page["head"][name].to_string(), str::to_owned);
    format!("/v1/stream?log_id={}&revision={}&tag={}", part("log_id"), part("revision"), part("tag"))
}

fn streams(page: &Value) -> Vec<Value> {
    page["streams"].as_array().unwrap().iter().map(|stream| stream["account"].clone()).collect()
}
