//! A node put together from its parts, and taken apart in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::App;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Data;
use anyhow::Context as _;
use denrei_actors::runtime::Foundation;
use denrei_actors::{Runtime, RuntimeOptions};
use denrei_gateway::auth::AdminToken;
use denrei_gateway::cors::cors;
use denrei_gateway::debug::Debug;
use denrei_gateway::registration::Mode;
use denrei_gateway::server::{Server, ServerHandle, tls};
use denrei_gateway::state::{Gateway, Secrets};
use denrei_gateway::stream::{Hub, Hubs};
use denrei_gateway::token::TokenKey;
use denrei_gateway::{api, stream, traffic};
use denrei_model::clock::{Clock, SystemClock};
use denrei_model::shard::ShardMap;
use denrei_storage::embedded::EmbeddedStore;

use super::{SEED, admin, secret, watched};
use crate::config::Config;
use crate::jobs::{self, Jobs, QueuesAdmin};

/// How long requests and last frames may take once the node is going.
const GRACE: Duration = Duration::from_secs(10);

/// A running node.
pub(super) struct Node {
    config: Config,
    store: Arc<EmbeddedStore>,
    runtime: Runtime,
    hubs: Hubs,
    http: ServerHandle,
    admin: ServerHandle,
    ready: Arc<AtomicBool>,
    jobs: Jobs,
}

impl Node {
    /// Starts everything, from the store outwards.
    pub(super) async fn start(
        config: Config,
        store: Arc<EmbeddedStore>,
        key: TokenKey,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let runtime = start_runtime(&config, &store, Arc::clone(&clock)).await?;
        let data_dir = &config.store.data_dir;
        let token_file = config.admin.token_file.clone().unwrap_or_else(|| data_dir.join("admin.token"));
        let mut options = config.gateway.clone();
        if options.admin_token.is_none() {
            options.admin_token = Some(AdminToken::new(secret::text(&secret::load_or_make(&token_file)?)));
        }
        let jwks = watched::key_set(&options.registration)?;
        let secrets = Secrets { key, incarnation: store.incarnation(), jwks };
        let gateway = Gateway::new(runtime.handle(), Arc::clone(&store) as _, secrets, options)?;
        watched::watch(&config, &gateway)?;
        let hubs = Hubs::default();
        let ready = Arc::new(AtomicBool::new(false));
        let http = start_http(&config, &gateway, &hubs).await?;
        let mut jobs = Jobs::new();
        let queues = QueuesAdmin::new(&jobs, gateway.options.admin_token.clone());
        let debug = Debug::new(gateway.clone(), hubs.clone(), Arc::clone(&ready), http.clone());
        let admin = admin::start(&config, debug, &store, queues).await?;
        ready.store(true, Ordering::Release);
        jobs.open(jobs::Ground {
            path: data_dir.join("log"),
            durability: config.store.durability,
            runtime: runtime.handle(),
            reader: Arc::clone(&store) as _,
            options: config.jobs.clone(),
        });
        Ok(Self { config, store, runtime, hubs, http, admin, ready, jobs })
    }

    /// Says where to connect, where the data lies, and what is on.
    pub(super) fn banner(&self) {
        let config = &self.config;
        let urls = |handle: &ServerHandle, cleartext: usize| {
            let schemes = std::iter::repeat_n("http", cleartext).chain(std::iter::repeat("https"));
            let addresses = handle.local_addrs().iter().zip(schemes);
            addresses.map(|(address, scheme)| format!("{scheme}://{address}")).collect::<Vec<_>>().join(" ")
        };
        let data_dir = std::path::absolute(&config.store.data_dir);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            devices = %urls(&self.http, config.http.listen.len()),
            admins = %urls(&self.admin, usize::MAX),
            data = %data_dir.unwrap_or_else(|_| config.store.data_dir.clone()).display(),
            durability = ?config.store.durability,
            registration = ?config.gateway.registration.mode,
            shards = self.store.shards(),
            "denrei is ready"
        );
        let beyond = config
            .http
            .listen
            .iter()
            .chain(&config.http.tls_listen)
            .any(|address| !address.ip().is_loopback());
        if beyond && config.gateway.registration.mode == Mode::Open {
            tracing::warn!("anybody who can reach this node may register: set gateway.registration.mode");
        }
    }

    /// Readiness off, streams sent away, requests finished, jobs finished, commits finished.
    pub(super) async fn stop(self) {
        self.ready.store(false, Ordering::Release);
        self.hubs.leave(self.config.gateway.reconnect_spread_ms.get()).await;
        let cut = self.http.drain(GRACE).await;
        if cut > 0 {
            tracing::warn!(cut, "connections that did not finish in time were cut");
        }
        self.jobs.stop().await;
        let store = Arc::clone(&self.store);
        if actix_rt::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store did not close in order");
        }
        self.admin.drain(Duration::from_secs(1)).await;
        self.runtime.stop();
        tracing::info!("stopped");
    }
}

async fn start_runtime(
    config: &Config,
    store: &Arc<EmbeddedStore>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let arbiters = config.runtime.arbiters.map_or((cores / 2).max(1), |arbiters| usize::from(arbiters.get()));
    let options = RuntimeOptions { arbiters, shard: config.runtime.shard.clone() };
    let foundation = Foundation {
        shards: ShardMap::new(store.shards(), SEED),
        store: Arc::clone(store) as _,
        reader: Arc::clone(store) as _,
        inboxes: Arc::clone(store) as _,
        clock,
        incarnation: store.incarnation(),
    };
    Runtime::start(options, foundation).await.context("the shards cannot be claimed")
}

async fn start_http(config: &Config, gateway: &Gateway, hubs: &Hubs) -> anyhow::Result<ServerHandle> {
    let mut options = config.http.clone();
    if !options.tls_listen.is_empty() {
        options.tls = Some(match (&config.tls.certificates, &config.tls.key) {
            (Some(certificates), Some(key)) => tls::load(certificates, key, config.tls.min_version)?,
            _ => {
                let made = tls::self_signed(&["localhost", "127.0.0.1"], config.tls.min_version)?;
                let file = config.store.data_dir.join("development.pem");
                std::fs::write(&file, made.certificate_pem).with_context(|| file.display().to_string())?;
                tracing::warn!(trust = %file.display(), "TLS with a certificate made for this run: for development only");
                made.config
            }
        });
    }
    let (gateway, hubs) = (gateway.clone(), hubs.clone());
    let factory = move || {
        let hub = Hub::start(&gateway, &hubs);
        let allowed = &gateway.options.cors;
        App::new()
            .wrap(Condition::new(!allowed.origins.is_empty(), cors(allowed)))
            // Around all: what browsers ask beforehand is counted too.
            .wrap(from_fn(traffic::count))
            .app_data(Data::new(gateway.clone()))
            .app_data(hub)
            .configure(stream::configure)
            .configure(api::configure)
    };
    Server::start(options, factory).await.context("the port for devices cannot be opened")
}
