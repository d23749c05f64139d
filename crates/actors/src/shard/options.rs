//! The bounds of a shard.

use std::time::Duration;

use serde::Deserialize;

/// Bounds of each shard. A node has all its shards within the same. Read at start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShardOptions {
    /// Commands that may wait for their turn; more are shed with 503. Default 1,024.
    pub max_queued_commands: usize,
    /// Records that may wait for their turn; more are left in the durable inbox and pulled later. Default 4,096.
    pub max_queued_records: usize,
    /// Entities kept active; beyond it the least recently used are passivated. Default 10,000 per shard.
    pub max_active: usize,
    /// Rows kept in memory beyond those not yet durable. Default 4,096 per shard.
    pub cached_rows: usize,
    /// How long shed callers are told to wait, milliseconds. Default 1,000.
    pub retry_after_ms: u64,
    /// Operations kept per account; older ones are replaced by FullSync. Default 10,000.
    pub max_operations: u64,
    /// How often a record may make its entity panic before it is set aside. Default 3.
    pub max_panics: u32,
}

impl Default for ShardOptions {
    fn default() -> Self {
        Self {
            max_queued_commands: 1_024,
            max_queued_records: 4_096,
            max_active: 10_000,
            cached_rows: 4_096,
            retry_after_ms: 1_000,
            max_operations: 10_000,
            max_panics: 3,
        }
    }
}

impl ShardOptions {
    /// Everything that is wrong with these options, each by its key: with a bound of nothing a shard does nothing.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("max_queued_commands", self.max_queued_commands == 0),
            ("max_queued_records", self.max_queued_records == 0),
            ("max_active", self.max_active == 0),
            ("max_operations", self.max_operations == 0),
            ("max_panics", self.max_panics == 0),
        ];
        bounds.iter().filter(|(_, none)| *none).map(|(key, _)| format!("{key}: must be at least 1")).collect()
    }

    /// How long shed callers are told to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        Duration::from_millis(self.retry_after_ms)
    }
}
