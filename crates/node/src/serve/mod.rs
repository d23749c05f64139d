//! Running a node: putting the parts together, waiting, and taking them apart in order.

mod admin;
mod assembly;
mod secret;
mod stop;
mod watched;

use std::process::ExitCode;
use std::sync::Arc;

use denrei_gateway::token::TokenKey;
use denrei_model::clock::{Clock as _, SystemClock};
use denrei_storage::embedded::EmbeddedStore;

use crate::config::Config;
use crate::logging;
use assembly::Node;

/// The seed under which homes are hashed; pinned in every store.
const SEED: u64 = 0x6465_6e72_6569;

/// Runs a node until it is told to stop or its store fails.
pub(crate) fn run(config: Config) -> anyhow::Result<ExitCode> {
    logging::start(&config.log)?;
    for warning in config.warnings(SystemClock::new().now()) {
        tracing::warn!("{warning}");
    }
    #[cfg(feature = "faults")]
    let _armed = fail::FailScenario::setup();
    let key = TokenKey::new(secret::of_store(&config.store.data_dir)?);
    // Opened before any thread is started: a store that does not open says so and nothing else happens.
    let store = Arc::new(EmbeddedStore::open(&config.store, config.runtime.shards.get(), SEED)?);
    actix_rt::System::new().block_on(async move {
        let failed = store.failed();
        let node = Node::start(config, store, key).await?;
        node.banner();
        tokio::select! {
            reason = failed => {
                // Nothing in memory may be shown any more: no drain, no last words.
                tracing::error!(%reason, "the store has failed; the node ends");
                std::process::exit(74);
            }
            signal = stop::requested() => {
                tracing::info!(signal, "stopping");
                node.stop().await;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
