//! Figures of the requests of devices, by route.

use super::exposition::{Kind, head, histogram, labels, sample};
use super::store::Durations;
use crate::traffic::{self, BOUNDS_MICROS, Traffic};

const COUNT: (&str, &str) = (
    "denrei_http_requests_total",
    "Requests of devices that were answered, by route, method and class of status.",
);
const DURATION: (&str, &str) = (
    "denrei_http_request_duration_seconds",
    "How long requests took until the head of their answer was there; what waits for news is among them.",
);

/// Writes them.
pub(super) fn write(out: &mut String, traffic: &Traffic) {
    let answered = traffic.answered();
    let labels = |kind: &traffic::Kind| {
        labels(&[("route", &kind.route), ("method", kind.method), ("status", kind.status)])
    };
    let (name, help) = COUNT;
    head(out, name, Kind::Counter, help);
    for (kind, answered) in &answered {
        sample(out, name, &labels(kind), answered.counts.iter().sum::<u64>() as f64);
    }
    let (name, help) = DURATION;
    head(out, name, Kind::Histogram, help);
    for (kind, answered) in answered {
        let (bounds_micros, sum_micros) = (BOUNDS_MICROS.to_vec(), answered.sum_micros);
        histogram(
            out,
            name,
            &labels(&kind),
            &Durations { bounds_micros, counts: answered.counts, sum_micros },
        );
    }
}
