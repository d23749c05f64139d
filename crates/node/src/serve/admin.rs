//! The port for admins: the debug API, the queues, and the figures of both.

use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::web::Data;
use anyhow::Context as _;
use denrei_gateway::debug::{self, Debug, Durations, EngineFigures, StoreFigures};
use denrei_gateway::server::{Server, ServerHandle, ServerOptions};
use denrei_storage::embedded::{EmbeddedStore, LATENCY_BOUNDS_MICROS};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::config::Config;
use crate::jobs::{self, QueuesAdmin};

/// Bounds of the histograms that are recorded in seconds.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
/// How often the recorder tidies up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Opens the port.
pub(super) async fn start(
    config: &Config,
    debug: Debug,
    store: &Arc<EmbeddedStore>,
    queues: QueuesAdmin,
) -> anyhow::Result<ServerHandle> {
    let recorder = recorder()?;
    let store = Arc::clone(store);
    let state = debug
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_store(move || figures(&store))
        .with_recorded(move || recorder.render());
    let workers = std::num::NonZeroUsize::MIN;
    let options = ServerOptions { listen: vec![config.admin.listen], workers, ..ServerOptions::default() };
    let factory = move || {
        App::new()
            .app_data(Data::new(state.clone()))
            .app_data(Data::new(queues.clone()))
            // Before the debug API, whose scope holds the paths of this one.
            .configure(jobs::configure)
            .configure(debug::configure)
    };
    Server::start(options, factory).await.context("the port for admins cannot be opened")
}

/// Records what the queue counts.
fn recorder() -> anyhow::Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let handle = builder.install_recorder().context("figures cannot be recorded")?;
    let kept = handle.clone();
    actix_rt::spawn(async move {
        loop {
            actix_rt::time::sleep(UPKEEP).await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

fn figures(store: &EmbeddedStore) -> StoreFigures {
    let stats = store.stats();
    StoreFigures {
        groups: stats.groups,
        batches: stats.batches,
        rows: stats.rows,
        bytes: stats.bytes,
        stalls: stats.stalls,
        refused_full: stats.refused_full,
        refused_disk: stats.refused_disk,
        queued: stats.queued,
        commits: Durations {
            bounds_micros: LATENCY_BOUNDS_MICROS.to_vec(),
            counts: stats.latency.to_vec(),
            sum_micros: stats.commit_micros,
        },
        engine: Some(EngineFigures { journals: stats.journals, memtable_bytes: stats.memtable_bytes }),
    }
}
