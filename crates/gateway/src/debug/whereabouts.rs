//! Where an entity lives, and how it is there.

use denrei_actors::entity::EntityRef;
use denrei_actors::shard::EntityReport;
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
    /// Whether it is active, what keeps it so, and the streams of an account; absent if the shard does not answer.
    entity: Option<EntityReport>,
}

impl Whereabouts {
    /// Asks the entity's shard. The entity itself is not asked, so it is not activated.
    pub(super) async fn of(debug: &Debug, entity: &EntityRef) -> Self {
        let runtime = &debug.gateway.runtime;
        let shard = runtime.shards().of(&entity.home());
        let answer = survey::one(runtime, shard, Some(entity.clone())).await;
        let entity = answer.told().and_then(|report| report.entity.clone());
        Self { shard, state: answer.state(), entity }
    }

    /// The sessions of one device only.
    pub(super) fn of_device(mut self, device: DeviceId) -> Self {
        if let Some(entity) = &mut self.entity {
            entity.sessions.retain(|session| session.device == device);
        }
        self
    }
}
