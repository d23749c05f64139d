//! A subscription: the topics it reads, what runs their tasks, and the reader that starts and ends the partitions.
//!
//! ```text
//! builder ─► Subscription (handle) ─orders─► reader ─┬─► partition 0 ◄── its records
//!                                                ▲   ├─► partition 1 ◄── its records
//!                           the group's events ──┘   └─► …
//! ```
//!
//! The reader alone speaks for the member and commits; each partition takes its own records when it has room. A revoke is
//! answered only when the partitions that are wanted back have ended what was in flight and their last commit is made, and
//! after that nothing of theirs is committed.

mod builder;
mod reader;
mod state;

use std::collections::HashMap;
use std::sync::Arc;

use denrei_model::Clock;
use denrei_storage::log::{GroupId, Timers, TopicName};
use tokio::sync::watch;

pub use self::builder::{StartError, SubscriptionBuilder};
pub use self::state::{State, Subscription};
use crate::metrics::Meters;
use crate::partition::{Budget, Cemetery};
use crate::pipeline::Pipeline;
use crate::settings::Settings;

/// What all parts of a subscription share.
pub(crate) struct Shared {
    pub(crate) group: GroupId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pipelines: HashMap<TopicName, Pipeline>,
    /// Where the retries of a topic are written, if not to its timers.
    pub(crate) retry_topics: HashMap<TopicName, TopicName>,
    pub(crate) timers: Arc<dyn Timers>,
    pub(crate) cemetery: Cemetery,
    pub(crate) budget: Arc<Budget>,
    pub(crate) metrics: Meters,
    pub(crate) seed: u64,
    #[cfg(feature = "testing")]
    pub(crate) fault: Option<crate::testing::Fault>,
    settings: watch::Receiver<Arc<Settings>>,
}

impl Shared {
    /// Whether this fault was asked for; never, but in the tests of the queue's own tests.
    #[cfg(feature = "testing")]
    pub(crate) fn has_fault(&self, fault: crate::testing::Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The settings as they are now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }
}
