//! Prometheus' text format, version 0.0.4: a line of help, a line of type, then the samples.

use std::fmt::Write as _;

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

/// Writes a sample; `labels` is empty, or made by [`label`].
pub(super) fn sample(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(out, "{name}{labels} {value}");
}

/// A sample's one label.
pub(super) fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
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
        assert_eq!(label("version", "1 \"a\"\\\n"), r#"{version="1 \"a\"\\\n"}"#);
    }
}
