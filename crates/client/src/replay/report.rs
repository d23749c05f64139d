//! What a replay came to, beyond what every run reports.

use std::fmt;

use serde::Serialize;

use crate::stage::Report;

/// What a replay came to.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayReport {
    /// What every run reports.
    #[serde(flatten)]
    pub run: Report,
    /// Messages of the file that were left out, since somebody wrote them to themselves.
    pub to_oneself: u64,
}

impl ReplayReport {
    /// Whether every guarantee was kept, and every message sent.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.run.is_clean()
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.run.write_head(f)?;
        self.run.write_sends(f)?;
        if self.to_oneself > 0 {
            writeln!(f, "left out     {} messages to oneself", self.to_oneself)?;
        }
        self.run.write_received(f)?;
        self.run.write_verdict(f, self.is_clean())
    }
}
