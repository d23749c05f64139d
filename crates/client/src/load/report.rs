//! What a run came to, beyond what every run reports.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::stage::{Latency, Report};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// What was played.
    pub pattern: String,
    /// What every run reports.
    #[serde(flatten)]
    pub run: Report,
    /// From sending (in open loop from the scheduled time) until another's device had the message, on all devices but slow ones.
    pub delivery_ms: Latency,
    /// What the pattern itself shows.
    pub findings: Findings,
    /// Refusals, the first of them in words: people ask for nothing that should be refused.
    pub refusals: Vec<String>,
    /// What the pattern itself found broken.
    pub broken: Vec<String>,
}

/// What a pattern shows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Findings {
    /// Nothing beyond the messages.
    Direct,
    /// What happened in groups.
    Groups {
        /// How many there were at the end.
        groups: usize,
        /// People in the largest of them.
        largest_group: usize,
        /// Granted changes by name.
        changes: BTreeMap<String, u64>,
        /// From asking (in open loop from the scheduled time) to the answer.
        change_latency_ms: Latency,
    },
    /// What came on idle streams.
    Idle {
        /// Until all of them had been opened, first snapshots included.
        opening_seconds: f64,
        /// How long they were held.
        held_seconds: f64,
        /// Heartbeats in that time.
        heartbeats: u64,
        /// Bytes in that time.
        bytes: u64,
    },
    /// What storms did.
    Storm {
        /// How many there were.
        storms: u64,
        /// From a storm until a device's stream was open again.
        reopening_ms: Latency,
    },
    /// How slow readers fared.
    Slow {
        /// How many devices.
        slow_devices: usize,
        /// Bytes that they received, all in all.
        bytes: u64,
        /// Frames of operations.
        frames: u64,
        /// Operations in them.
        operations: u64,
        /// Those that came while they read slowly; the rest came when they did so no more.
        operations_while_slow: u64,
        /// The most operations in one frame: more than a few come only from the log.
        largest_frame: u64,
        /// Streams that they had to open again.
        reconnects: u64,
        /// FullSyncs by reason.
        full_syncs: BTreeMap<String, u64>,
    },
}

impl LoadReport {
    /// Whether every guarantee was kept, and everything that was asked for granted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.run.is_clean() && self.refusals.is_empty() && self.broken.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · ", self.pattern)?;
        self.run.write_head(f)?;
        if !matches!(self.findings, Findings::Idle { .. }) {
            self.run.write_sends(f)?;
            writeln!(f, "delivery ms  {}", self.delivery_ms)?;
        }
        self.run.write_received(f)?;
        self.findings.fmt(f)?;
        for words in self.refusals.iter().chain(&self.broken) {
            writeln!(f, "  {words}")?;
        }
        self.run.write_verdict(f, self.is_clean())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => Ok(()),
            Self::Groups { groups, largest_group, changes, change_latency_ms } => {
                writeln!(f, "groups       {groups}, the largest of {largest_group}; changes {changes:?}")?;
                writeln!(f, "changes ms   {change_latency_ms}")
            }
            Self::Idle { opening_seconds, held_seconds, heartbeats, bytes } => writeln!(
                f,
                "idle         opened in {opening_seconds:.1} s, held for {held_seconds:.1} s: {heartbeats} heartbeats, {bytes} bytes"
            ),
            Self::Storm { storms, reopening_ms } => {
                writeln!(f, "storms       {storms}; until streams were open again, ms: {reopening_ms}")
            }
            Self::Slow {
                slow_devices,
                bytes,
                frames,
                operations,
                operations_while_slow,
                largest_frame,
                reconnects,
                full_syncs,
            } => {
                writeln!(
                    f,
                    "slow         {slow_devices} devices, {bytes} bytes: {operations} operations in {frames} frames of at most {largest_frame}"
                )?;
                writeln!(
                    f,
                    "             {operations_while_slow} of them while reading slowly; {reconnects} reconnects, FullSyncs {full_syncs:?}"
                )
            }
        }
    }
}
