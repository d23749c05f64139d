//! Figures that are read at the moment, in Prometheus' text format: written with the words of the crate whose recorder
//! writes the others.

use metrics::Key;
use metrics_exporter_prometheus::LabelSet;
use metrics_exporter_prometheus::formatting::{
    sanitize_label_value, write_help_line, write_metric_line, write_type_line,
};

use super::store::Durations;

/// What a figure does over time.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// It only grows, and starts anew with the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts by size.
    Histogram,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One figure, and how it is read from a `T`.
pub(super) struct Figure<T> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    read: fn(&T) -> f64,
}

impl<T> Figure<T> {
    pub(super) const fn counter(name: &'static str, help: &'static str, read: fn(&T) -> f64) -> Self {
        Self { name, kind: Kind::Counter, help, read }
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str, read: fn(&T) -> f64) -> Self {
        Self { name, kind: Kind::Gauge, help, read }
    }
}

/// Writes what comes before the samples of a figure.
fn head(out: &mut String, name: &str, kind: Kind, help: &str) {
    write_help_line(out, name, None, None, help);
    write_type_line(out, name, None, None, kind.as_str());
}

/// Writes a sample, with a label or none.
fn sample(
    out: &mut String,
    name: &str,
    suffix: Option<&'static str>,
    label: Option<(&'static str, &str)>,
    value: f64,
) {
    let others = LabelSet::from_key_and_global(&Key::from_static_name(""), &Default::default());
    let label = label.map(|(name, value)| (name, sanitize_label_value(value)));
    write_metric_line(out, name, suffix, &others, label, value, None);
}

/// Writes a figure that is always 1, for its label.
pub(super) fn info(out: &mut String, name: &str, help: &str, label: (&'static str, &str)) {
    head(out, name, Kind::Gauge, help);
    sample(out, name, None, Some(label), 1.0);
}

/// Writes a histogram. Buckets of this format hold all that lies below their bound, those of lower bounds included.
pub(super) fn histogram(out: &mut String, name: &str, help: &str, durations: &Durations) {
    head(out, name, Kind::Histogram, help);
    let mut below = 0;
    for (bound, count) in durations.bounds_micros.iter().zip(&durations.counts) {
        below += count;
        let bound = seconds(*bound).to_string();
        sample(out, name, Some("bucket"), Some(("le", &bound)), below as f64);
    }
    let all = durations.counts.iter().sum::<u64>() as f64;
    sample(out, name, Some("bucket"), Some(("le", "+Inf")), all);
    sample(out, name, Some("sum"), None, seconds(durations.sum_micros));
    sample(out, name, Some("count"), None, all);
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Writes the figures of a table, read from `from`.
pub(super) fn table<T>(out: &mut String, figures: &[Figure<T>], from: &T) {
    for figure in figures {
        head(out, figure.name, figure.kind, figure.help);
        sample(out, figure.name, None, None, (figure.read)(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_its_help_its_type_and_a_sample() {
        let table_of_one = [Figure::gauge("x_bytes", "A \\ and\na line.", |x: &u64| *x as f64)];
        let mut out = String::new();
        table(&mut out, &table_of_one, &1_500_000_000_000);
        assert_eq!(out, "# HELP x_bytes A \\\\ and\\na line.\n# TYPE x_bytes gauge\nx_bytes 1500000000000\n");
    }

    #[test]
    fn a_label_is_escaped() {
        let mut out = String::new();
        info(&mut out, "x_info", "X.", ("version", "1 \"a\"\n"));
        assert!(out.ends_with("\nx_info{version=\"1 \\\"a\\\"\\n\"} 1\n"), "{out}");
    }

    #[test]
    fn buckets_hold_those_of_lower_bounds_too_and_the_last_one_all() {
        let took =
            Durations { bounds_micros: vec![100, 2_500], counts: vec![3, 1, 2], sum_micros: 1_500_000 };
        let mut out = String::new();
        histogram(&mut out, "x_seconds", "X.", &took);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines,
            [
                "# HELP x_seconds X.",
                "# TYPE x_seconds histogram",
                "x_seconds_bucket{le=\"0.0001\"} 3",
                "x_seconds_bucket{le=\"0.0025\"} 4",
                "x_seconds_bucket{le=\"+Inf\"} 6",
                "x_seconds_sum 1.5",
                "x_seconds_count 6",
            ]
        );
    }
}
