//! What is counted as it happens, here and in crates that this one does not know: kept by a recorder of the `metrics` crate.

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::traffic;

/// Upper bounds of what takes long, as tasks of a queue may.
const BOUNDS_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];

/// What was recorded. Cheap to clone.
#[derive(Clone)]
pub struct Recorded(PrometheusHandle);

impl Recorded {
    /// From now on, in the whole process.
    ///
    /// # Errors
    /// Something records already.
    pub fn install() -> Result<Self, BuildError> {
        let recorder = recorder()?;
        let recorded = Self::of(&recorder);
        metrics::set_global_recorder(recorder)?;
        traffic::describe();
        Ok(recorded)
    }

    pub(in crate::debug) fn of(recorder: &PrometheusRecorder) -> Self {
        Self(recorder.handle())
    }

    /// Makes buckets of durations that were recorded; to be called every few seconds, lest they pile up.
    pub fn tidy_up(&self) {
        self.0.run_upkeep();
    }

    pub(super) fn text(&self) -> String {
        self.0.render()
    }
}

/// One that knows the bounds of durations.
pub(in crate::debug) fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let requests = Matcher::Full(traffic::DURATION.to_owned());
    let others = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(requests, &traffic::BOUNDS_SECONDS)?;
    Ok(builder.set_buckets_for_metric(others, &BOUNDS_SECONDS)?.build_recorder())
}
