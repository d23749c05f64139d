//! Shards are asked how they are, all at once. One that does not answer in time is told to be stuck; it holds nobody up.

use std::time::Duration;

use actix_rt::time::timeout;
use denrei_actors::Handle;
use denrei_actors::shard::ShardReport;
use denrei_model::id::AccountId;
use denrei_model::shard::Shard;
use futures_util::future::join_all;
use serde::Serialize;

/// How long a shard may take to answer. It answers between two turns, so this is far more than it needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What came of asking a shard.
pub(super) enum Answer {
    Report(Box<ShardReport>),
    Stuck,
    Stopped,
}

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

impl Answer {
    pub(super) const fn state(&self) -> State {
        match self {
            Self::Report(_) => State::Running,
            Self::Stuck => State::Stuck,
            Self::Stopped => State::Stopped,
        }
    }

    pub(super) fn report(&self) -> Option<&ShardReport> {
        match self {
            Self::Report(report) => Some(report),
            Self::Stuck | Self::Stopped => None,
        }
    }
}

/// Asks one shard; of the sessions it lists those of `account`.
pub(super) async fn one(runtime: &Handle, shard: Shard, account: Option<AccountId>) -> Answer {
    within(PATIENCE, runtime.inspect(shard, account)).await
}

/// Asks every shard, in their order.
pub(super) async fn all(runtime: &Handle) -> Vec<(Shard, Answer)> {
    join_all(runtime.shards().all().map(async |shard| (shard, one(runtime, shard, None).await))).await
}

pub(super) async fn within(patience: Duration, asked: impl Future<Output = Option<ShardReport>>) -> Answer {
    match timeout(patience, asked).await {
        Ok(Some(report)) => Answer::Report(Box::new(report)),
        Ok(None) => Answer::Stopped,
        Err(_) => Answer::Stuck,
    }
}
