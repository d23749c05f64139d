//! Updates of content as jobs: a burst of changes becomes one update, and a service that is away is asked again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::Clock;
use denrei_queue::codec::Json;
use denrei_queue::{
    Compaction, Merged, Pipeline, PutError, Source, StartError, Subscription, Task, TaskClient,
};
use denrei_storage::log::Log;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The topic of updates.
pub(crate) const TOPIC: &str = "smart-channel-updates";

/// The new text of a content, keyed by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Update {
    name: String,
    text: String,
}

/// Brings content up to date, behind the back of whoever announces it.
pub(crate) struct ContentUpdates {
    shown: Arc<Mutex<BTreeMap<String, String>>>,
    updates: TaskClient<Update>,
    subscription: Subscription,
}

impl ContentUpdates {
    pub(crate) async fn start(log: &Arc<dyn Log>, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let shown: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let theirs = Arc::clone(&shown);
        let process = move |task: Task<Update>| {
            theirs.lock().insert(task.value.name, task.value.text);
            async { Ok(()) }
        };
        // Of several updates within the window, the last one is enough.
        let newest = |_: Update, newer: Update| Merged::Right(newer);
        let merged = Compaction::new(Duration::from_millis(100), newest, process);
        let builder = Subscription::builder(Arc::clone(log), Arc::clone(clock), "smart-channel-updates");
        let subscription = builder.topic(TOPIC, Pipeline::new(Json::default(), merged)).start().await?;
        let source = Source { application: "smart-channel".to_owned(), instance: "example".to_owned() };
        let updates = TaskClient::new(log.producer(), Arc::clone(clock), source, TOPIC, Json::default());
        Ok(Self { shown, updates, subscription })
    }

    /// A content has changed: what the REST call of the linked service does, and all it does.
    pub(crate) async fn changed(&self, name: &str, text: &str) -> Result<(), PutError> {
        let update = Update { name: name.to_owned(), text: text.to_owned() };
        self.updates.put(name.to_owned(), &update).await.map(drop)
    }

    /// What is shown now.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        self.shown.lock().clone()
    }

    pub(crate) async fn stop(self) {
        self.subscription.shutdown().await;
    }
}
