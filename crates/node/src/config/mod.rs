//! The configuration of a node: one file, every option beside its component, all faults said at once.

mod certificate;
mod fault;
mod read;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

use denrei_actors::shard::ShardOptions;
use denrei_gateway::options::GatewayOptions;
use denrei_gateway::server::ServerOptions;
use denrei_gateway::server::tls;
use denrei_model::clock::Timestamp;
use denrei_storage::embedded::EmbeddedOptions;
use serde::Deserialize;

use crate::jobs::JobsConfig;
use crate::logging::LogOptions;

/// Everything that an operator may set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The embedded store.
    pub(crate) store: EmbeddedOptions,
    /// How entities are spread and run.
    pub(crate) runtime: RuntimeConfig,
    /// The HTTP server for devices.
    pub(crate) http: ServerOptions,
    /// TLS for devices.
    pub(crate) tls: TlsConfig,
    /// Streams, registration, limits.
    pub(crate) gateway: GatewayOptions,
    /// How devices are told to connect.
    pub(crate) connection: ConnectionConfig,
    /// The port for admins.
    pub(crate) admin: AdminConfig,
    /// Work that may wait.
    pub(crate) jobs: JobsConfig,
    /// Logs.
    pub(crate) log: LogOptions,
}

/// How entities are spread and run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuntimeConfig {
    /// How many shards a new store is made for; an existing one must have as many. Default 256.
    pub(crate) shards: NonZeroU16,
    /// Threads for shards. Default: half the cores, at least one.
    pub(crate) arbiters: Option<NonZeroU16>,
    /// The bounds of each shard.
    pub(crate) shard: ShardOptions,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        let shards = NonZeroU16::MIN.saturating_add(255);
        Self { shards, arbiters: None, shard: ShardOptions::default() }
    }
}

/// Certificates for the TLS addresses of `[http]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsConfig {
    /// PEM file with the certificate chain. Without it and with a TLS address, one is made for `localhost` at each start:
    /// for development only.
    pub(crate) certificates: Option<PathBuf>,
    /// PEM file with its key.
    pub(crate) key: Option<PathBuf>,
    /// The oldest version that is spoken, `"1.2"` or `"1.3"`. Default `"1.3"`.
    pub(crate) min_version: tls::MinVersion,
}

impl TlsConfig {
    /// What will be wrong with the certificates for whoever connects, although a node can start with them.
    fn warning(&self, now: Timestamp) -> Option<String> {
        certificate::expired(self.certificates.as_deref()?, now)
    }

    /// What is wrong with the files, looked at now: a node must not make a store, and then end for want of a certificate.
    fn fault(&self) -> Option<String> {
        match (&self.certificates, &self.key) {
            (Some(certificates), Some(key)) => {
                tls::load(certificates, key, self.min_version).err().map(|error| error.to_string())
            }
            (None, None) => None,
            _ => Some("`certificates` and `key` go together".to_owned()),
        }
    }
}

/// How devices are told to connect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConnectionConfig {
    /// File with rules per platform and version, as `config/connection.toml` shows; read again when it changes. Default
    /// none: every device is told to open a stream.
    pub(crate) rules_file: Option<PathBuf>,
}

/// The port for admins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AdminConfig {
    /// Where it listens; loopback unless the network in between is trusted. Default `127.0.0.1:8081`.
    pub(crate) listen: SocketAddr,
    /// File with the admin token. Default: `admin.token` beside the store, made at the first start.
    pub(crate) token_file: Option<PathBuf>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)), token_file: None }
    }
}

impl Config {
    /// What a node can start with, but will not be of use.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        self.tls.warning(now).map(|warning| format!("tls.certificates: {warning}")).into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
