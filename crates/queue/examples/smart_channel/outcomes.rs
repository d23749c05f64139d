//! Impressions, clicks and mutes, and what is decided about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::Clock;
use denrei_queue::codec::Json;
use denrei_queue::{Pipeline, PutError, Source, StartError, Subscription, Task, TaskClient, TaskError};
use denrei_storage::log::Log;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// The topic of impressions and of what follows them.
pub(crate) const TOPIC: &str = "smart-channel-events";

/// What a person did about an impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Click,
    Mute,
}

/// What became of an impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acted(Action),
    NoAction,
}

/// An event, keyed by its impression: those of one impression run one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum ChannelEvent {
    Acted(Action),
    /// The impression is old enough to be decided.
    Due,
}

/// What is known, by impression. Stands for the key-value store of a real service.
#[derive(Debug, Default)]
struct Known {
    acted: BTreeMap<String, Action>,
    decided: BTreeMap<String, Outcome>,
}

/// Decides what became of impressions.
pub(crate) struct Outcomes {
    known: Arc<Mutex<Known>>,
    events: TaskClient<ChannelEvent>,
    subscription: Subscription,
    patience: Duration,
}

fn source() -> Source {
    Source { application: "smart-channel".to_owned(), instance: "example".to_owned() }
}

impl Outcomes {
    /// Decides each impression `patience` after it was shown: ten and a half minutes, or less in a test.
    pub(crate) async fn start(
        log: &Arc<dyn Log>,
        clock: &Arc<dyn Clock>,
        patience: Duration,
    ) -> Result<Self, StartError> {
        let known: Arc<Mutex<Known>> = Arc::default();
        let theirs = Arc::clone(&known);
        let process = move |task: Task<ChannelEvent>| {
            let known = Arc::clone(&theirs);
            async move { note(&known, &task) }
        };
        let builder = Subscription::builder(Arc::clone(log), Arc::clone(clock), "smart-channel");
        let subscription = builder.topic(TOPIC, Pipeline::new(Json::default(), process)).start().await?;
        let events = TaskClient::new(log.producer(), Arc::clone(clock), source(), TOPIC, Json::default());
        Ok(Self { known, events, subscription, patience })
    }

    /// An impression was shown.
    pub(crate) async fn shown(&self, impression: &str) -> Result<(), PutError> {
        self.events.put_after(self.patience, impression.to_owned(), &ChannelEvent::Due).await.map(drop)
    }

    /// A person did something about it.
    pub(crate) async fn acted(&self, impression: &str, action: Action) -> Result<(), PutError> {
        self.events.put(impression.to_owned(), &ChannelEvent::Acted(action)).await.map(drop)
    }

    /// What was decided so far.
    pub(crate) fn decided(&self) -> BTreeMap<String, Outcome> {
        self.known.lock().decided.clone()
    }

    pub(crate) async fn stop(self) {
        self.subscription.shutdown().await;
    }
}

/// Notes an event. Running it twice changes nothing: an action is noted by its impression, and an outcome is decided once.
fn note(known: &Mutex<Known>, task: &Task<ChannelEvent>) -> Result<(), TaskError> {
    let key = task.context.key().ok_or_else(|| TaskError::fatal("an event without an impression"))?;
    let impression = String::from_utf8(key.to_vec()).map_err(TaskError::fatal)?;
    let mut known = known.lock();
    match task.value {
        ChannelEvent::Acted(action) => {
            known.acted.entry(impression).or_insert(action);
        }
        ChannelEvent::Due => {
            let outcome =
                known.acted.get(&impression).map_or(Outcome::NoAction, |action| Outcome::Acted(*action));
            known.decided.entry(impression).or_insert(outcome);
        }
    }
    Ok(())
}
