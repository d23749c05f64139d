//! What the pages draw from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use denrei_model::clock::Timestamp;

use super::metrics::{LastTold, Recorded, StoreFigures};
use crate::server::ServerHandle;
use crate::state::Gateway;
use crate::stream::Hubs;

type Source<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// The state of the debug API: one per node, shared by the workers of the admin port. Cheap to clone.
#[derive(Clone)]
pub struct Debug {
    pub(super) gateway: Gateway,
    pub(super) hubs: Hubs,
    /// The server that devices connect to.
    pub(super) http: ServerHandle,
    pub(super) version: &'static str,
    pub(super) last_told: LastTold,
    ready: Arc<AtomicBool>,
    store: Option<Source<StoreFigures>>,
    recorded: Option<Recorded>,
    /// By the wall clock and by the monotonic one.
    started: (Timestamp, Duration),
}

impl Debug {
    /// The debug API of a node that starts now: its entities and streams, whether it takes requests, and the server that
    /// devices connect to.
    #[must_use]
    pub fn new(gateway: Gateway, hubs: Hubs, ready: Arc<AtomicBool>, http: ServerHandle) -> Self {
        let started = (gateway.clock.now(), gateway.clock.monotonic());
        let last_told = LastTold::default();
        Self {
            gateway,
            hubs,
            http,
            version: "unknown",
            last_told,
            ready,
            store: None,
            recorded: None,
            started,
        }
    }

    /// Names the version that runs.
    #[must_use]
    pub fn with_version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Adds the figures of the store, read at each scrape. Must not block.
    #[must_use]
    pub fn with_store(mut self, figures: impl Fn() -> StoreFigures + Send + Sync + 'static) -> Self {
        self.store = Some(Arc::new(figures));
        self
    }

    /// Adds what was recorded.
    #[must_use]
    pub fn with_recorded(mut self, recorded: Recorded) -> Self {
        self.recorded = Some(recorded);
        self
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(super) fn store_figures(&self) -> Option<StoreFigures> {
        self.store.as_ref().map(|figures| figures())
    }

    pub(super) const fn recorded(&self) -> Option<&Recorded> {
        self.recorded.as_ref()
    }

    pub(super) const fn started_at(&self) -> Timestamp {
        self.started.0
    }

    pub(super) fn uptime(&self) -> Duration {
        self.gateway.clock.monotonic().saturating_sub(self.started.1)
    }
}
