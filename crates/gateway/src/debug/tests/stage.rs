//! A node without its ports: the runtime on a memory store, and the debug API over it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use denrei_actors::account::device::NewDevice;
use denrei_actors::account::device::register::Register;
use denrei_actors::command::{Command, Outcome};
use denrei_actors::runtime::Foundation;
use denrei_actors::{Origin, Runtime, RuntimeOptions};
use denrei_model::clock::{ManualClock, Timestamp};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::row::TableKey;
use denrei_model::shard::ShardMap;
use denrei_storage::memory::{MemoryOptions, MemoryStore};
use denrei_storage::shard::{Fetch, Reader as _};
use serde_json::Value;
use tokio::time::timeout;

use crate::auth::AdminToken;
use crate::debug::{Debug, configure};
use crate::options::GatewayOptions;
use crate::server::{Server, ServerOptions};
use crate::state::{Gateway, Secrets};
use crate::stream::Hubs;
use crate::token::TokenKey;

/// Longer than anything here takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(10);
/// 2026-11-24T12:00:00Z.
pub(super) const NOON: u64 = 1_795_521_600_000;
pub(super) const ADMIN: &str = "the operator's own";
pub(super) const SHARDS: u16 = 4;

/// Asks until the answer is what is waited for.
pub(super) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, looking).await.expect("it should have happened by now")
}

pub(super) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

pub(super) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 16])
}

/// What a request was answered.
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) media_type: String,
    pub(super) body: String,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(super) struct Stage {
    pub(super) debug: Debug,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: MemoryStore,
    runtime: Option<Runtime>,
}

impl Stage {
    /// A node with this many people, numbered from 1, each with a device.
    pub(super) async fn new(people: u8) -> Self {
        let stage = Self::on_arbiters(0).await;
        for number in 1..=people {
            stage.register(number).await;
        }
        stage
    }

    /// A node without people whose shards have this many threads of their own.
    pub(super) async fn on_arbiters(arbiters: usize) -> Self {
        let store = MemoryStore::new(MemoryOptions { shards: SHARDS, ..MemoryOptions::default() });
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOON)));
        let foundation = Foundation {
            shards: ShardMap::new(SHARDS, 7),
            store: Arc::new(store.clone()),
            reader: Arc::new(store.clone()),
            inboxes: Arc::new(store.clone()),
            clock: Arc::<ManualClock>::clone(&clock),
            incarnation: [1; 16],
        };
        let runtime = Runtime::start(RuntimeOptions { arbiters, ..RuntimeOptions::default() }, foundation)
            .await
            .unwrap();
        let admin_token = Some(AdminToken::new(ADMIN.to_owned()));
        let options = GatewayOptions { admin_token, ..GatewayOptions::default() };
        let secrets = Secrets { key: TokenKey::new([3; 32]), incarnation: [1; 16], jwks: None };
        let gateway = Gateway::new(runtime.handle(), Arc::new(store.clone()), secrets, options).unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let listen = vec![([127, 0, 0, 1], 0).into()];
        let options = ServerOptions { listen, workers: NonZeroUsize::MIN, ..ServerOptions::default() };
        let http = Server::start(options, App::new).await.unwrap();
        let debug = Debug::new(gateway, Hubs::default(), Arc::clone(&ready), http).with_version("1.2.3");
        Self { debug, ready, clock, store, runtime: Some(runtime) }
    }

    async fn register(&self, number: u8) {
        let device = NewDevice {
            device: device(number),
            name: "phone".to_owned(),
            platform: "ios".to_owned(),
            family: [number; 16],
            access_for: Duration::from_secs(3_600),
        };
        let register = Register { account: account(number), name: format!("person {number}"), device };
        self.act(number, register).await.unwrap();
    }

    /// Has the shards stop. They are told before anything else reaches them: a mailbox keeps its order.
    pub(super) fn stop_shards(&mut self) {
        self.runtime.take().expect("they stop once").stop();
    }

    /// A person does something.
    pub(super) async fn act<C: Command>(&self, number: u8, command: C) -> Outcome<C> {
        let origin = Origin::unkeyed(account(number), device(number));
        self.debug.gateway.runtime.ask(command, origin).await
    }

    pub(super) async fn row<K: TableKey>(&self, key: K) -> Option<K::Row> {
        let fetched = self.store.fetch(Fetch { keys: vec![key.into()], scans: Vec::new() }).await.unwrap();
        fetched.row::<K>(0).cloned()
    }

    /// Sends a request to the admin port.
    pub(super) async fn send(&self, request: TestRequest) -> Told {
        let app = init_service(App::new().app_data(Data::new(self.debug.clone())).configure(configure)).await;
        let response = call_service(&app, request.to_request()).await;
        let status = response.status();
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        Told { status, media_type, body }
    }

    /// A page, as the operator sees it.
    pub(super) async fn ask(&self, path: &str) -> Told {
        let bearer = ("authorization", format!("Bearer {ADMIN}"));
        self.send(TestRequest::get().uri(path).insert_header(bearer)).await
    }

    /// A page that must be there.
    pub(super) async fn page(&self, path: &str) -> Value {
        let told = self.ask(path).await;
        assert_eq!(told.status, StatusCode::OK, "{path}: {}", told.body);
        told.json()
    }
}
