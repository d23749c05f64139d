//! Where an entity lives, and how it is there.

use denrei_actors::entity::EntityRef;
use denrei_actors::shard::SessionReport;
use denrei_model::id::DeviceId;
use denrei_model::shard::Shard;
use serde::Serialize;

use super::Debug;
use super::survey::{self, State};

/// The shard of an entity, and what it says of it.
#[derive(Serialize)]
pub(super) struct Whereabouts {
    shard: Shard,
    state: State,
    /// Whether the entity is active. Absent if that is not known: a shard names the first hundred of many, or none if it
    /// does not answer.
    active: Option<bool>,
    /// The streams of an account; absent if the shard does not answer, and for what is no account.
    sessions: Option<Vec<SessionReport>>,
}

impl Whereabouts {
    /// Asks the entity's shard. The entity itself is not asked, so it is not activated.
    pub(super) async fn of(debug: &Debug, entity: &EntityRef) -> Self {
        let runtime = &debug.gateway.runtime;
        let shard = runtime.shards().of(&entity.home());
        let account = if let EntityRef::Account(account) = entity { Some(*account) } else { None };
        let answer = survey::one(runtime, shard, account).await;
        let report = answer.report();
        let active = report.and_then(|report| {
            let named = report.entities.contains(&format!("{entity:?}"));
            let all_named = report.entities.len() >= report.active;
            (named || all_named).then_some(named)
        });
        let sessions = report.filter(|_| account.is_some()).map(|report| report.account_sessions.clone());
        Self { shard, state: answer.state(), active, sessions }
    }

    /// The sessions of one device only.
    pub(super) fn of_device(mut self, device: DeviceId) -> Self {
        if let Some(sessions) = &mut self.sessions {
            sessions.retain(|session| session.device == device);
        }
        self
    }
}
