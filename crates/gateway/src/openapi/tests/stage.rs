//! A node without its ports: the runtime on a memory store, and what devices may ask for over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::App;
use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use denrei_actors::runtime::Foundation;
use denrei_actors::{Runtime, RuntimeOptions};
use denrei_model::clock::{ManualClock, Timestamp};
use denrei_model::shard::ShardMap;
use denrei_storage::memory::{MemoryOptions, MemoryStore};
use serde_json::{Value, json};

use crate::auth::AdminToken;
use crate::options::GatewayOptions;
use crate::state::{Gateway, Secrets};
use crate::token::TokenKey;
use crate::{api, stream};

/// 2026-11-24T12:00:00Z.
const NOON: u64 = 1_795_521_600_000;
const SHARDS: u16 = 2;
pub(super) const ADMIN: &str = "the operator's own";

/// One operation of the document.
pub(super) struct Documented {
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) says: Value,
}

impl Documented {
    /// The path with something in place of the names in braces.
    pub(super) fn uri(&self) -> String {
        self.uri_with("", "")
    }

    /// The same, with this in place of one of them.
    pub(super) fn uri_with(&self, name: &str, value: &str) -> String {
        let zeros = "0".repeat(32);
        let named = BTreeMap::from([
            ("{account}", format!("U{zeros}")),
            ("{category}", "contacts".to_owned()),
            ("{chat}", format!("C{zeros}")),
            ("{code}", "not_found".to_owned()),
            ("{device}", format!("D{zeros}")),
            ("{handle}", "brown".to_owned()),
            ("{key}", "theme".to_owned()),
            ("{seq}", "1".to_owned()),
        ]);
        let path = self.path.replace(&format!("{{{name}}}"), value);
        named.iter().fold(path, |path, (name, value)| path.replace(name, value))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.says["operationId"].as_str().unwrap()
    }

    pub(super) fn statuses(&self) -> Vec<&str> {
        self.says["responses"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    pub(super) fn needs_token(&self) -> bool {
        self.says.get("security").is_none()
    }

    pub(super) fn takes_key(&self) -> bool {
        let shared = |parameter: &Value| {
            parameter["$ref"].as_str().is_some_and(|name| name.ends_with("idempotency-key"))
        };
        self.says["parameters"].as_array().is_some_and(|all| all.iter().any(shared))
    }
}

/// The document as it is served. That takes no node: an app with nothing behind it has it too.
pub(super) async fn text() -> String {
    let (status, body) = send(None, TestRequest::get().uri("/openapi.json")).await;
    assert_eq!(status, StatusCode::OK);
    String::from_utf8(body).unwrap()
}

pub(super) async fn document() -> Value {
    serde_json::from_str(&text().await).unwrap()
}

/// Every operation of the document.
pub(super) async fn documented() -> Vec<Documented> {
    let document = document().await;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, says) in item.as_object().unwrap().iter().filter(|(member, _)| *member != "parameters") {
            let method = method.to_uppercase().parse().unwrap();
            all.push(Documented { path: path.clone(), method, says: says.clone() });
        }
    }
    all
}

/// Sends a request to the device port of an app, with a node behind it or nothing.
pub(super) async fn send(gateway: Option<&Gateway>, request: TestRequest) -> (StatusCode, Vec<u8>) {
    let response = answer(gateway, request).await;
    let status = response.status();
    (status, to_bytes(response.into_body()).await.unwrap().to_vec())
}

/// The same with the headers.
pub(super) async fn answer(gateway: Option<&Gateway>, request: TestRequest) -> ServiceResponse<BoxBody> {
    let app = match gateway {
        Some(gateway) => App::new().app_data(Data::new(gateway.clone())),
        None => App::new(),
    };
    let app = init_service(app.configure(api::configure).configure(stream::configure)).await;
    call_service(&app, request.to_request()).await.map_into_boxed_body()
}

/// A node.
pub(super) struct Stage {
    gateway: Gateway,
    _runtime: Runtime,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(GatewayOptions::default()).await
    }

    /// A node with these options, and an admin token.
    pub(super) async fn with(mut options: GatewayOptions) -> Self {
        options.admin_token = Some(AdminToken::new(ADMIN.to_owned()));
        let store = MemoryStore::new(MemoryOptions { shards: SHARDS, ..MemoryOptions::default() });
        let foundation = Foundation {
            shards: ShardMap::new(SHARDS, 7),
            store: Arc::new(store.clone()),
            reader: Arc::new(store.clone()),
            inboxes: Arc::new(store.clone()),
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(NOON))),
            incarnation: [1; 16],
        };
        let runtime = Runtime::start(RuntimeOptions::default(), foundation).await.unwrap();
        let secrets = Secrets { key: TokenKey::new([3; 32]), incarnation: [1; 16], jwks: None };
        let gateway = Gateway::new(runtime.handle(), Arc::new(store), secrets, options).unwrap();
        Self { gateway, _runtime: runtime }
    }

    /// Asks for an operation of the document.
    pub(super) async fn ask(&self, operation: &Documented, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = TestRequest::with_uri(&operation.uri()).method(operation.method.clone());
        self.send(headers.iter().copied().fold(request, TestRequest::insert_header)).await
    }

    pub(super) async fn send(&self, request: TestRequest) -> (StatusCode, Value) {
        let (status, body) = send(Some(&self.gateway), request).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The access token of somebody new.
    pub(super) async fn token(&self) -> String {
        let person = json!({"name": "Brown", "device": {"name": "phone", "platform": "ios"}});
        let (_, told) = self.send(TestRequest::post().uri("/v1/register").set_json(person)).await;
        told["access_token"].as_str().unwrap().to_owned()
    }
}
