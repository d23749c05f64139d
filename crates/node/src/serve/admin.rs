//! The port for admins: the debug API, the queues, and the figures of both.

use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::web::Data;
use anyhow::Context as _;
use denrei_gateway::debug::{self, Debug, Durations, EngineFigures, Recorded, StoreFigures};
use denrei_gateway::server::{Server, ServerHandle, ServerOptions};
use denrei_storage::embedded::{EmbeddedStore, LATENCY_BOUNDS_MICROS};

use crate::config::Config;
use crate::jobs::{self, QueuesAdmin};

/// How often the recorder tidies up, and is told how far the queues are behind.
const UPKEEP: Duration = Duration::from_secs(5);

/// Opens the port.
pub(super) async fn start(
    config: &Config,
    debug: Debug,
    store: &Arc<EmbeddedStore>,
    queues: QueuesAdmin,
) -> anyhow::Result<ServerHandle> {
    let recorded = record(queues.clone())?;
    let store = Arc::clone(store);
    let state = debug
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_store(move || figures(&store))
        .with_recorded(recorded);
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

/// Records what is counted in this process.
fn record(queues: QueuesAdmin) -> anyhow::Result<Recorded> {
    let recorded = Recorded::install().context("figures cannot be recorded")?;
    let kept = recorded.clone();
    actix_rt::spawn(async move {
        loop {
            actix_rt::time::sleep(UPKEEP).await;
            kept.tidy_up();
            queues.record_lag().await;
        }
    });
    Ok(recorded)
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
