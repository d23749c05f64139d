//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Player, RunError, Span, Stage, Tally};
use crate::judge::{Verdict, judge};

/// Percentiles, in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// 90 of a hundred are.
    pub p90: f64,
    /// 99 of a hundred are.
    pub p99: f64,
    /// 999 of a thousand are.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl Latency {
    pub(super) fn of(micros: &Histogram<u64>) -> Self {
        let millis = |quantile: f64| micros.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            p50: millis(0.5),
            p90: millis(0.9),
            p99: millis(0.99),
            p999: millis(0.999),
            max: micros.max() as f64 / 1_000.0,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Closed loop (as fast as it goes, latency from sending) or open loop (latency from the scheduled time).
    pub mode: String,
    /// What chance was seeded with.
    pub seed: u64,
    /// Accounts.
    pub people: usize,
    /// Devices.
    pub devices: usize,
    /// Messages that were to be sent.
    pub messages: usize,
    /// Sends that were acknowledged.
    pub acknowledged: u64,
    /// Sends that were refused.
    pub refused: u64,
    /// Sends that needed more than one attempt.
    pub retried: u64,
    /// From the first send to the last answer, seconds.
    pub seconds: f64,
    /// For how much of that the node could not be reached.
    pub seconds_without_node: f64,
    /// How often it could not be reached.
    pub absences: u64,
    /// Acknowledged sends a second, while the node was there.
    pub sends_per_second: f64,
    /// From the first attempt to the answer that settled it, in open loop from the scheduled time; of all sends, with further
    /// attempts and with the time in which there was no node.
    pub latency_ms: Latency,
    /// The same of sends answered at the first attempt: what there was to wait for where nothing went wrong.
    pub first_attempt_latency_ms: Latency,
    /// Bytes that devices received.
    pub bytes: u64,
    /// Streams opened beyond the first of each device.
    pub reconnects: u64,
    /// FullSyncs by reason.
    pub full_syncs: BTreeMap<String, u64>,
    /// Differences found between device copies and fresh ones by the client itself.
    pub differences: Vec<String>,
    /// What the judge found in the recording.
    pub verdict: Verdict,
    /// Where the recording is, if it was kept.
    pub recording: Option<PathBuf>,
}

impl Report {
    /// Whether every guarantee was kept, and every message sent.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.verdict.is_clean() && self.differences.is_empty() && self.acknowledged == self.messages as u64
    }
}

impl Stage {
    /// Ends the recording, judges it, and puts together what the run came to.
    pub(crate) fn report(
        &self,
        mode: String,
        span: Span,
        players: Vec<Player>,
        differences: Vec<String>,
    ) -> Result<Report, RunError> {
        self.recorder.finish()?;
        let people = players.len();
        let devices: Vec<_> = players.into_iter().flat_map(|player| player.devices).collect();
        let reconnects = devices.iter().map(|device| device.opened().saturating_sub(1)).sum();
        let (devices, absences) = (devices.len(), self.watch.absences());
        self.progress.set_message("judging");
        let verdict = judge(self.recorder.directory())?;
        self.progress.finish_and_clear();
        let (score, tallies) = (&self.score, self.tallies.borrow());
        let acknowledged = score.acknowledged.get();
        let present = seconds(span.took.saturating_sub(span.away)).max(1e-9);
        Ok(Report {
            mode,
            seed: self.options.seed,
            people,
            devices,
            messages: score.begun.get(),
            acknowledged,
            refused: score.refused.get(),
            retried: score.retried.get(),
            seconds: seconds(span.took),
            seconds_without_node: seconds(span.away),
            absences,
            sends_per_second: acknowledged as f64 / present,
            latency_ms: score.sends.latency(),
            first_attempt_latency_ms: score.first_attempts.latency(),
            bytes: tallies.iter().map(|tally| tally.bytes.get()).sum(),
            reconnects,
            full_syncs: full_syncs(tallies.iter().map(|tally| &**tally)),
            differences,
            verdict,
            recording: self.options.record.clone(),
        })
    }
}

/// How often these devices took snapshots, by reason.
pub(crate) fn full_syncs<'a>(tallies: impl IntoIterator<Item = &'a Tally>) -> BTreeMap<String, u64> {
    let mut full_syncs = BTreeMap::new();
    for tally in tallies {
        for (reason, count) in tally.full_syncs.borrow().iter() {
            *full_syncs.entry((*reason).to_owned()).or_default() += count;
        }
    }
    full_syncs
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, p999, max } = self;
        write!(f, "p50 {p50:.2}  p90 {p90:.2}  p99 {p99:.2}  p99.9 {p999:.2}  max {max:.2}")
    }
}

impl Report {
    /// How it was played, and by whom.
    pub(crate) fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} · seed {} · {} people, {} devices", self.mode, self.seed, self.people, self.devices)
    }

    /// What was sent.
    pub(crate) fn write_sends(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "sends        {} acknowledged of {}, {} refused, {} needed more than one attempt",
            self.acknowledged, self.messages, self.refused, self.retried
        )?;
        writeln!(
            f,
            "time         {:.1} s, of which {:.1} s without a node ({} absences)",
            self.seconds, self.seconds_without_node, self.absences
        )?;
        writeln!(f, "rate         {:.0} sends/s while the node was there", self.sends_per_second)?;
        writeln!(f, "latency ms   {}", self.latency_ms)?;
        if self.retried > 0 {
            writeln!(
                f,
                "             {} without the {} that needed more than one attempt",
                self.first_attempt_latency_ms, self.retried
            )?;
        }
        Ok(())
    }

    /// What devices received.
    pub(crate) fn write_received(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "received     {} bytes, {} reconnects, FullSyncs {:?}",
            self.bytes, self.reconnects, self.full_syncs
        )
    }

    /// What was judged and what was found, with the last word of whoever knows all.
    pub(crate) fn write_verdict(&self, f: &mut fmt::Formatter<'_>, clean: bool) -> fmt::Result {
        let seen = &self.verdict.looked_at;
        writeln!(
            f,
            "judged       {} operations on {} devices, {} FullSyncs, {} messages, {} copies",
            seen.operations, seen.devices, seen.full_syncs, seen.messages, seen.copies
        )?;
        if let Some(recording) = &self.recording {
            writeln!(f, "recording    {}", recording.display())?;
        }
        for words in self.verdict.first.iter().chain(self.differences.iter().take(20)) {
            writeln!(f, "  {words}")?;
        }
        if clean {
            return writeln!(f, "verdict      every guarantee was kept (H1–H6, H8)");
        }
        writeln!(f, "verdict      BROKEN: {:?}, {} differences", self.verdict.counts, self.differences.len())
    }
}

/// Seconds as a number.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
