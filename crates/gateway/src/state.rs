//! What every handler of the gateway works with.

use std::sync::Arc;

use denrei_actors::Handle;
use denrei_model::clock::Clock;
use denrei_model::id::LogId;
use denrei_storage::shard::Reader;

use crate::auth::DeviceCache;
use crate::connection::Connection;
use crate::limit::Limits;
use crate::options::GatewayOptions;
use crate::random::{OsRandom, Random};
use crate::registration::{KeysRefused, Registration};
use crate::token::TokenKey;

/// What makes a node's tokens and log ids its own.
#[derive(Clone)]
pub struct Secrets {
    /// What tokens are derived from.
    pub key: TokenKey,
    /// The store's incarnation.
    pub incarnation: [u8; 16],
    /// The JSON Web Key Set that `registration.jwt.jwks_file` names.
    pub jwks: Option<String>,
}

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
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Rows of devices that were read and have not changed since.
    pub devices: DeviceCache,
    /// How many requests are taken from whom.
    pub limits: Limits,
    /// Who may register.
    pub registration: Registration,
    /// How devices are told to connect.
    pub connection: Connection,
}

impl Gateway {
    /// The state of a node whose entities are behind `runtime` and whose durable rows `reader` reads.
    ///
    /// # Errors
    /// Keys for login tokens that cannot be used.
    pub fn new(
        runtime: Handle,
        reader: Arc<dyn Reader>,
        secrets: Secrets,
        options: GatewayOptions,
    ) -> Result<Self, KeysRefused> {
        let clock = Arc::clone(runtime.clock());
        let devices = DeviceCache::new(options.cached_devices.get());
        runtime.watch_devices(Arc::new(devices.clone()));
        Ok(Self {
            devices,
            limits: Limits::new(&options.limits, &clock),
            random: Arc::new(OsRandom),
            registration: Registration::new(&options.registration, secrets.jwks.as_deref())?,
            connection: Connection::default(),
            key: secrets.key,
            incarnation: secrets.incarnation,
            options: Arc::new(options),
            runtime,
            reader,
            clock,
        })
    }

    /// A log's id as devices see it.
    #[must_use]
    pub fn shown(&self, log_id: LogId) -> LogId {
        log_id.shown(&self.incarnation)
    }
}
