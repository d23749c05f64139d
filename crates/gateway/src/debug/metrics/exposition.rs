//! Prometheus' text format, version 0.0.4: a line of help, a line of type, then the samples.

use std::fmt::Write as _;

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
pub(super) fn head(out: &mut String, name: &str, kind: Kind, help: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let kind = kind.as_str();
    // Writing to a string does not fail.
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// Writes a sample; `labels` is empty, or made by [`labels`].
pub(super) fn sample(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(out, "{name}{labels} {value}");
}

/// The labels of a sample.
pub(super) fn labels(labels: &[(&str, &str)]) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let each: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", each.join(","))
}

/// Writes the samples of a histogram. Buckets of this format hold all that lies below their bound, those of lower bounds
/// included.
pub(super) fn histogram(out: &mut String, name: &str, labels: &str, durations: &Durations) {
    let others = labels.trim_start_matches('{').trim_end_matches('}');
    let comma = if others.is_empty() { "" } else { "," };
    let mut bucket = |bound: &str, below: u64| {
        sample(out, &format!("{name}_bucket"), &format!("{{{others}{comma}le=\"{bound}\"}}"), below as f64);
    };
    let mut below = 0;
    for (bound, count) in durations.bounds_micros.iter().zip(&durations.counts) {
        below += count;
        bucket(&seconds(*bound).to_string(), below);
    }
    let all = durations.counts.iter().sum();
    bucket("+Inf", all);
    sample(out, &format!("{name}_sum"), labels, seconds(durations.sum_micros));
    sample(out, &format!("{name}_count"), labels, all as f64);
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Writes the figures of a table, read from `from`.
pub(super) fn table<T>(out: &mut String, figures: &[Figure<T>], from: &T) {
    for figure in figures {
        head(out, figure.name, figure.kind, figure.help);
        sample(out, figure.name, "", (figure.read)(from));
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
    fn labels_are_escaped() {
        let labels = labels(&[("version", "1 \"a\"\\\n"), ("os", "any")]);
        assert_eq!(labels, r#"{version="1 \"a\"\\\n",os="any"}"#);
    }

    #[test]
    fn buckets_hold_those_of_lower_bounds_too_and_the_last_one_all() {
        let took =
            Durations { bounds_micros: vec![100, 2_500], counts: vec![3, 1, 2], sum_micros: 1_500_000 };
        for (of, before, after) in [("", "{", ""), ("{a=\"b\"}", "{a=\"b\",", "{a=\"b\"}")] {
            let mut out = String::new();
            histogram(&mut out, "x_seconds", of, &took);
            let samples: Vec<&str> = out.lines().collect();
            assert_eq!(
                samples,
                [
                    format!("x_seconds_bucket{before}le=\"0.0001\"}} 3"),
                    format!("x_seconds_bucket{before}le=\"0.0025\"}} 4"),
                    format!("x_seconds_bucket{before}le=\"+Inf\"}} 6"),
                    format!("x_seconds_sum{after} 1.5"),
                    format!("x_seconds_count{after} 6"),
                ]
            );
        }
    }
}
