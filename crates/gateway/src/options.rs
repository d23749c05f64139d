//! What the operator may set about the gateway.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

use serde::Deserialize;

use crate::auth::AdminToken;
use crate::cors::CorsOptions;
use crate::limit::LimitOptions;
use crate::registration::RegistrationOptions;

/// Options of the gateway. Each says its default, its effect, and whether it reloads; none reloads yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayOptions {
    /// Milliseconds between heartbeats on a stream that has nothing else to say. At most 25,000. Default 25,000.
    pub heartbeat_ms: NonZeroU64,
    /// Bytes that may wait in a stream's outbox before it is read from the log instead. Default 16 KiB.
    pub outbox_bytes: NonZeroU32,
    /// Behind by more than this at sign-on, a device takes snapshots. Default 200.
    pub max_behind: NonZeroU64,
    /// The same for a device that comes with a resume token. Default 10,000.
    pub max_behind_resuming: NonZeroU64,
    /// Longest wait of a long-poll, milliseconds. Default 30,000.
    pub max_wait_ms: NonZeroU64,
    /// After a graceful stop, devices come back within this many milliseconds, spread at random. Default 5,000.
    pub reconnect_spread_ms: NonZeroU64,
    /// Most bytes of a request's body; more is refused with `body_too_large`. Default 64 KiB.
    pub body_bytes: NonZeroU32,
    /// Seconds that an access token is good. Default 3,600.
    pub access_token_s: NonZeroU64,
    /// Rows of devices that are kept, until they change, to check tokens against. Default 10,000.
    pub cached_devices: NonZeroUsize,
    /// The operator's secret for the admin port and for registration by a server. Default none: all of that is refused.
    pub admin_token: Option<AdminToken>,
    /// How many requests are taken from whom.
    pub limits: LimitOptions,
    /// Who may register.
    pub registration: RegistrationOptions,
    /// Which web pages may call.
    pub cors: CorsOptions,
}

const fn u64_of(value: u64) -> NonZeroU64 {
    match NonZeroU64::new(value) {
        Some(value) => value,
        None => NonZeroU64::MIN,
    }
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            heartbeat_ms: u64_of(25_000),
            outbox_bytes: NonZeroU32::MIN.saturating_add(16 * 1024 - 1),
            max_behind: u64_of(200),
            max_behind_resuming: u64_of(10_000),
            max_wait_ms: u64_of(30_000),
            reconnect_spread_ms: u64_of(5_000),
            body_bytes: NonZeroU32::MIN.saturating_add(64 * 1024 - 1),
            access_token_s: u64_of(3_600),
            cached_devices: NonZeroUsize::MIN.saturating_add(9_999),
            admin_token: None,
            limits: LimitOptions::default(),
            registration: RegistrationOptions::default(),
            cors: CorsOptions::default(),
        }
    }
}
