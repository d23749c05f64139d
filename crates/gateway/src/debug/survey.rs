//! Shards are asked how they are, all at once. One that does not answer in time is told to be stuck; it holds nobody up.

use std::time::Duration;

use actix_rt::time::timeout;
use denrei_actors::Handle;
use denrei_actors::entity::EntityRef;
use denrei_actors::shard::{ShardFigures, ShardReport};
use denrei_model::shard::Shard;
use futures_util::future::join_all;
use serde::Serialize;

/// How long a shard may take to answer. It answers between two turns, so this is far more than it needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What came of asking a shard.
pub(super) enum Answer<T> {
    Told(Box<T>),
    Stuck,
    Stopped,
}

/// What came of asking each shard for its figures.
pub(super) type Figures = Vec<(Shard, Answer<ShardFigures>)>;

/// The same in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It answered.
    Running,
    /// It did not answer in time.
    Stuck,
    /// It is not here: it was lost, or the node is going.
    Stopped,
}

impl<T> Answer<T> {
    pub(super) const fn state(&self) -> State {
        match self {
            Self::Told(_) => State::Running,
            Self::Stuck => State::Stuck,
            Self::Stopped => State::Stopped,
        }
    }

    pub(super) fn told(&self) -> Option<&T> {
        match self {
            Self::Told(told) => Some(told),
            Self::Stuck | Self::Stopped => None,
        }
    }
}

/// Asks one shard for its report, with more of one entity if one is named.
pub(super) async fn one(runtime: &Handle, shard: Shard, entity: Option<EntityRef>) -> Answer<ShardReport> {
    within(PATIENCE, runtime.inspect(shard, entity)).await
}

/// Asks every shard for its figures, in their order. Reports would have each walk through what it holds.
pub(super) async fn all(runtime: &Handle) -> Figures {
    let ask = async |shard| (shard, within(PATIENCE, runtime.measure(shard)).await);
    join_all(runtime.shards().all().map(ask)).await
}

pub(super) async fn within<T>(patience: Duration, asked: impl Future<Output = Option<T>>) -> Answer<T> {
    match timeout(patience, asked).await {
        Ok(Some(told)) => Answer::Told(Box::new(told)),
        Ok(None) => Answer::Stopped,
        Err(_) => Answer::Stuck,
    }
}
