//! What an operator may set about work that waits.

use std::num::NonZeroU16;
use std::time::Duration;

use serde::Deserialize;

/// Options of the node's own jobs. Read at start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JobsConfig {
    /// The hour of the day, in UTC, at which what need not be kept is swept away. Default 3.
    pub(crate) sweep_hour: u8,
    /// Days that operations are kept; a device that needs older ones takes snapshots. Default 14.
    pub(crate) operation_days: NonZeroU16,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { sweep_hour: 3, operation_days: NonZeroU16::MIN.saturating_add(13) }
    }
}

impl JobsConfig {
    /// Everything that is wrong with these options, in words.
    pub(crate) fn faults(&self) -> Vec<String> {
        let late = self.sweep_hour > 23;
        late.then(|| "`sweep_hour` must be 0 to 23".to_owned()).into_iter().collect()
    }

    /// How long operations are kept.
    pub(super) fn operations_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.operation_days.get()) * 86_400)
    }
}
