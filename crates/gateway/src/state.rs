//! What every handler of the gateway works with.

use std::sync::Arc;

use denrei_actors::Handle;
use denrei_model::clock::Clock;
use denrei_model::id::LogId;
use denrei_storage::shard::Reader;

use crate::options::GatewayOptions;
use crate::token::TokenKey;

/// Shared by all workers of a node.
#[derive(Clone)]
pub struct Gateway {
    /// The way to the entities.
    pub runtime: Handle,
    /// Durable rows.
    pub reader: Arc<dyn Reader>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the operator has set.
    pub options: Arc<GatewayOptions>,
    /// What tokens are derived from.
    pub key: TokenKey,
    /// The store's incarnation: part of the log ids that devices see.
    pub incarnation: [u8; 16],
}

impl Gateway {
    /// A log's id as devices see it.
    #[must_use]
    pub fn shown(&self, log_id: LogId) -> LogId {
        log_id.shown(&self.incarnation)
    }
}
